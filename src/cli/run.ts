import { PROVIDERS, type ProviderName } from '../contract/providers.ts';
import { Option, type Command } from 'commander';
import type { RunReport } from '../contract/report.ts';
import { SILENT_AFTER_SECONDS, silentAfterSecondsAt } from '../core/silence.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { openCamera } from '../device/camera/open-camera.ts';
import type { CameraSource } from '../device/camera/source.ts';
import { statusLine } from '../tools/demo/status-line.ts';
import { PART_PARAMETERS, type PartValues } from '../device/parts.ts';
import { LIMIT_PARAMETERS } from '../contract/limit-parameters.ts';
import type { LimitsPatch } from '../device/pipeline/limit-table.ts';
import { runPipeline, type RunOptions } from '../tools/run/run.ts';
import { LiveLine } from './kit/live-line.ts';
import { autoOption, namesOf, numberFrom, repeated, sizeOption, type Size } from './kit/options.ts';
import { addParameterOptions, givenValues, parameterValues } from './kit/parameter-options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

export interface RunFlags {
  readonly camera: readonly string[];
  readonly bundle: string;
  readonly seconds?: number;
  readonly report?: string;
  readonly rate?: number;
  readonly size?: Size;
  readonly preprocess: 'auto' | 'sharp' | 'graph';
  readonly engine: 'worker' | 'child';
  readonly workers: number | 'auto';
  readonly threads: number | 'auto';
  readonly queueDepth: number | 'auto';
  readonly providers: readonly ProviderName[];
  readonly strict: boolean;
  readonly variant: string;
  readonly track: boolean;
  readonly silentAfter?: number;
  readonly node: string;
  readonly limits: LimitsPatch;
  /** of the parts next to the pipeline */
  readonly parts: PartValues;
  /** where the demo runs it: its line, and the fleet's end, which starts once the run can be stopped */
  readonly demo?: {
    readonly line: LiveLine;
    readonly fleet: { readonly line: string; start(): void };
  };
}

/** `camera`, or `camera1`, `camera2`, ... if there are several. */
function openCameras(flags: RunFlags): Map<string, CameraSource> {
  const options = { ...(flags.rate === undefined ? {} : { rate: flags.rate }), ...flags.size };
  return new Map(
    flags.camera.map((spec, index) => [
      flags.camera.length === 1 ? 'camera' : `camera${index + 1}`,
      openCamera(spec, options),
    ]),
  );
}

/** Empty and `auto` leave the variant to the engine. */
function variantOption(variant: string): { readonly variant?: string } {
  return variant === '' || variant === 'auto' ? {} : { variant };
}

/** `goshawk run`; also the fallback of `goshawk demo` without ROS 2. */
export async function run(flags: RunFlags): Promise<void> {
  const line = flags.demo?.line ?? new LiveLine(process.stdout);
  const report = await withReport(flags.report, async () => {
    const bundle = await openBundle(flags.bundle, (text) => console.log(text));
    const cameras = openCameras(flags);
    for (const [name, camera] of cameras) line.say(`${name}: ${camera.description}`);
    return untilStopped(null, ({ signal, endAfter }) => {
      flags.demo?.fleet.start();
      return runPipeline({
        bundle,
        cameras,
        engine: {
          kind: flags.engine,
          sizing: sizingOf(flags),
          preferred: flags.providers,
          strict: flags.strict,
          ...variantOption(flags.variant),
        },
        preprocess: flags.preprocess,
        limits: flags.limits,
        tracking: flags.track,
        parts: flags.parts,
        node: flags.node,
        silentAfterMs: (flags.silentAfter ?? silentAfterSecondsAt(flags.rate)) * 1000,
        signal,
        onActive: () => endAfter(flags.seconds),
        log: (_level, text) => line.say(text),
        onStatus: (status) => line.show(statusLine(status, flags.demo?.fleet.line)),
      });
    });
  });
  const drops = Object.entries(report.frames.drops).map(([reason, count]) => `${reason} ${count}`);
  line.say(
    `ended: ${report.frames.received} frames received, ${report.frames.published} published, ` +
      `dropped: ${drops.length === 0 ? 'none' : drops.join(', ')}${describeSources(report.sources)}`,
  );
}

/** The engine chooses what is `auto`. */
function sizingOf({ workers, threads, queueDepth }: RunFlags): RunOptions['engine']['sizing'] {
  const chosen = (value: number | 'auto'): number | null => (value === 'auto' ? null : value);
  return { workers: chosen(workers), threads: chosen(threads), queueDepth: chosen(queueDepth) };
}

/** What sources did not deliver: images that could not be read, and skipped turns. */
function describeSources(sources: RunReport['sources']): string {
  return Object.entries(sources ?? {})
    .filter(([, { unreadable, skipped }]) => unreadable + skipped > 0)
    .map(([name, { unreadable, skipped }]) => `; ${name}: ${unreadable} unreadable, ${skipped} turns skipped`)
    .join('');
}

/** Adds `goshawk run`. */
export function registerRun(program: Command): void {
  const command = program
    .command('run')
    .description(
      'run the frame path without ROS: a camera inside the process, detections, page, metrics, telemetry',
    )
    .option(
      '--camera <spec>',
      'sim[:seed=7,fog=0.3], dir:PATH or mcap:FILE[,topic=/x][,loop=false] (repeatable)',
      repeated,
    )
    .option(
      '--bundle <name|path>',
      'the model: NAME, NAME@VERSION, a folder, or any ONNX file',
      'goshawk-street',
    )
    .option('--seconds <n>', 'stop after this many seconds of frames', numberFrom(0.1, 1e7))
    .option('--report <file>', 'write the run report (JSON) at the end')
    .option('--rate <hz>', 'frames per second of the camera', numberFrom(0.1, 1000))
    .addOption(sizeOption('--size <WxH>', 'image size of the camera'))
    .addOption(new Option('--preprocess <how>').choices(['auto', 'sharp', 'graph']).default('auto'))
    .addOption(
      new Option('--engine <kind>', 'threads, or separate processes')
        .choices(['worker', 'child'])
        .default('worker'),
    )
    .addOption(autoOption('--workers <n>', 'inference workers, or auto', 16))
    .addOption(autoOption('--threads <n>', 'ONNX Runtime threads of each worker, or auto', 64))
    .addOption(autoOption('--queue-depth <n>', 'frames handed to a worker at a time, or auto', 4))
    .option('--providers <list>', 'execution providers, best first', namesOf(PROVIDERS), [...PROVIDERS])
    .option(
      '--strict',
      'refuse to run on anything less than the first provider, or with a variant that fails ' +
        'its reference check',
      false,
    )
    .option(
      '--variant <id>',
      'variant of the bundle, or auto for the fastest that passes its reference check',
      'auto',
    )
    .option('--track', 'track objects over time', false)
    .option(
      '--silent-after <seconds>',
      'seconds without a frame after which a camera is silent ' +
        `(default: ${SILENT_AFTER_SECONDS}, or three periods of --rate)`,
      numberFrom(0.5, 3600),
    )
    .option('--node <name>', 'name of this run in telemetry, distinct for each run on a robot', 'run');
  addParameterOptions(command, LIMIT_PARAMETERS);
  addParameterOptions(command, PART_PARAMETERS);
  command.action((flags: Omit<RunFlags, 'camera' | 'limits' | 'parts'> & { camera?: readonly string[] }) =>
    run({
      ...flags,
      camera: flags.camera ?? ['sim'],
      limits: givenValues(LIMIT_PARAMETERS, flags),
      parts: parameterValues(PART_PARAMETERS, flags),
    }),
  );
}
