import { Option, type Command } from 'commander';
import type { FrameKind } from '../contract/drift-reference.ts';
import { GoshawkError } from '../contract/errors.ts';
import { LIMIT_PARAMETERS } from '../contract/limit-parameters.ts';
import { PROVIDERS } from '../contract/providers.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { openCamera } from '../device/camera/open-camera.ts';
import { openDriftReference } from '../device/drift/open-reference.ts';
import { settingsOf } from '../device/drift/reference-settings.ts';
import { PART_PARAMETERS } from '../device/parts.ts';
import { changeLimits, defaultLimits, type Limits } from '../device/pipeline/limit-table.ts';
import { PREPROCESS_WISHES, type PreprocessPreference } from '../device/pipeline/preprocess-choice.ts';
import type { Bundle } from '../model/bundle.ts';
import { checkOutputFiles } from '../platform/outputs.ts';
import { makeReference, type NewContext } from '../tools/drift/make-reference.ts';
import { ObservationSink } from '../tools/drift/observation-sink.ts';
import { runPipeline } from '../tools/run/run.ts';
import { LiveLine } from './kit/live-line.ts';
import { numberFrom, sizeOption, type Size } from './kit/options.ts';
import { addParameterOptions, givenValues, parameterValues } from './kit/parameter-options.ts';
import { untilStopped } from './kit/stop-signal.ts';
import { writeReferenceFile } from './reference-file.ts';

interface ReferenceFlags {
  readonly camera?: string;
  readonly recording?: string;
  readonly bundle: string;
  readonly context: string;
  readonly seconds?: number;
  readonly rate?: number;
  readonly size?: Size;
  readonly ofCamera?: string;
  readonly merge?: string;
  readonly track: boolean;
  readonly preprocess: PreprocessPreference;
  readonly out: string;
}

function cameraSpec({ camera, recording }: ReferenceFlags): string {
  if ((camera === undefined) === (recording === undefined))
    throw new GoshawkError('GOSHAWK_USAGE', { reason: 'pass either --camera or --recording' });
  return camera ?? `mcap:${recording ?? ''},loop=false`;
}

/** Runs the frame path as a robot does, and collects an observation a second. */
async function observe(
  flags: ReferenceFlags,
  bundle: Bundle,
  limits: Limits,
): Promise<{ readonly frames: FrameKind; readonly observed: Omit<NewContext, 'name'> }> {
  const line = new LiveLine(process.stderr);
  const { resize } = bundle.manifest.input;
  const sink = new ObservationSink(resize, (count) => line.show(`drift reference: ${count} observations`));
  const rate = flags.rate === undefined ? {} : { rate: flags.rate };
  const camera = openCamera(cameraSpec(flags), { ...rate, ...flags.size });
  await untilStopped(null, ({ signal, endAfter }) =>
    runPipeline({
      bundle,
      cameras: new Map([['camera', camera]]),
      engine: {
        kind: 'worker',
        sizing: { workers: 1, threads: null, queueDepth: null },
        preferred: PROVIDERS,
        strict: false,
      },
      preprocess: flags.preprocess,
      limits,
      tracking: flags.track,
      parts: parameterValues(PART_PARAMETERS, {}),
      sinks: [sink],
      node: 'drift',
      silentAfterMs: 10_000,
      signal,
      onActive: () => endAfter(flags.seconds),
      log: (level, text) => {
        if (level !== 'info') line.say(text);
      },
      onStatus: () => undefined,
    }),
  );
  const { rows, preprocess, frames, leftOut } = sink.observed();
  if (leftOut > 0)
    line.say(`drift reference: ${leftOut} observations are left out: their frames were resized otherwise`);
  return { frames, observed: { rows, preprocess, measures: sink.takeMeasures() } };
}

async function writeReference(flags: ReferenceFlags): Promise<void> {
  await checkOutputFiles(flags.out);
  cameraSpec(flags);
  const merge = flags.merge === undefined ? null : await openDriftReference(flags.merge);
  const bundle = await openBundle(flags.bundle, (text) => console.error(text));
  const { name, version, thresholds, labels } = bundle.manifest;
  const limits = changeLimits(defaultLimits(thresholds), givenValues(LIMIT_PARAMETERS, flags), labels);
  const { frames, observed } = await observe(flags, bundle, limits);
  const made = makeReference(
    {
      bundle: { name, version, digest: bundle.digest },
      camera: flags.ofCamera ?? merge?.reference.camera ?? null,
      settings: { ...settingsOf(limits, flags.track), frames },
    },
    { name: flags.context, ...observed },
    merge,
  );
  await writeReferenceFile(flags.out, made);
}

/** Adds `goshawk drift reference`. */
export function registerDriftReference(drift: Command): void {
  const reference = drift
    .command('reference')
    .description('observe a camera while all is well, as a context of a reference (docs/drift.md)')
    .option('--camera <spec>', 'as for "goshawk run"')
    .option('--recording <file>', 'a recording, played once')
    .option('--bundle <name|path>', 'the model whose boxes are observed', 'goshawk-street')
    .option('--context <name>', 'what this period is called, such as day or night', 'day')
    .option('--seconds <n>', 'how long to observe', numberFrom(60, 86_400))
    .option('--rate <hz>', 'frames per second of the camera', numberFrom(0.1, 1000))
    .addOption(sizeOption('--size <WxH>', 'image size of the camera'))
    .option('--of-camera <name>', 'the only camera that it is of (default: any)')
    .option('--track', 'track objects, if the robot does', false)
    .addOption(
      new Option('--preprocess <how>', 'as for "goshawk run"').choices(PREPROCESS_WISHES).default('auto'),
    )
    .option('--merge <file>', 'a reference whose contexts are kept')
    .requiredOption('--out <file>', 'the reference to write')
    .action(writeReference);
  addParameterOptions(reference, LIMIT_PARAMETERS);
}
