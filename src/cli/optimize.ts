import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { bundleNameFrom } from '../model/bundle-name.ts';
import { checkOutputFiles, checkOutputFolder, writeOutput, writeReport } from '../platform/outputs.ts';
import { addNetworkOptions, networkOptions, readLabels, type NetworkFlags } from './import-options.ts';
import { stopSignal } from './stop-signal.ts';

interface OptimizeFlags extends NetworkFlags {
  readonly model: string;
  readonly calibration: string;
  readonly annotations: string;
  readonly images: string;
  readonly maxApDrop: number;
  readonly out: string;
  readonly report: string;
  readonly html?: string;
  readonly work?: string;
  readonly fresh: boolean;
  readonly labels?: string;
  readonly name?: string;
  readonly version?: string;
  readonly ignoreUnknown: boolean;
  readonly maxLatencyMs?: number;
  readonly timeBudget?: number;
  readonly threads: number;
  readonly seed: number;
  readonly searchShare: number;
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** Adds `goshawk optimize` to the program. */
export function registerOptimize(program: Command): void {
  const command = program
    .command('optimize')
    .description('make a detector smaller and faster above an accuracy floor, and prove it')
    .requiredOption('--model <file|bundle>', 'an ONNX file, or a bundle by NAME[@VERSION] or path')
    .requiredOption('--calibration <dir>', 'images (JPEG, PNG) of what the camera sees; no labels needed')
    .requiredOption('--annotations <file>', 'COCO detection annotations of the labeled images')
    .requiredOption('--images <dir>', 'folder of the labeled images')
    .requiredOption('--out <dir>', 'model folder that the bundle is written to')
    .requiredOption('--report <file>', 'write what was tried and found as JSON')
    .option('--max-ap-drop <ap>', 'AP that may be lost, 0..1: 0.01 is one point', number, 0.01)
    .option('--html <file>', 'write a page with plots')
    .option(
      '--max-latency-ms <n>',
      'take the most accurate variant that runs in so many milliseconds',
      number,
    )
    .option(
      '--time-budget <minutes>',
      'search no longer than that (default: until everything is tried)',
      number,
    )
    .option('--threads <n>', 'threads that latency is measured with', number, 1)
    .option('--labels <file>', 'for an ONNX file: class names, one a line, or "coco80"')
    .option('--name <name>', 'name of the bundle (default: of the model)')
    .option(
      '--version <version>',
      'version of the bundle (default: 1.0.0 for an ONNX file, else the next minor)',
    )
    .option('--ignore-unknown', 'leave out objects of categories that the model has no label for', false)
    .option('--search-share <s>', 'share of the labeled images that the search may see', number, 0.5)
    .option('--seed <s>', 'seed of the split and of the intervals', number, 1)
    .option('--work <dir>', 'where finished steps are kept, to go on after a kill (default: OUT/.optimize)')
    .option('--fresh', 'forget what earlier runs finished', false);
  addNetworkOptions(command).action(runOptimize);
}

/** A line on standard error: rewritten in place on a terminal, now and then a new one elsewhere. */
function showProgress(): (event: { step: string; detail: string; remaining: number | null }) => void {
  const live = process.stderr.isTTY;
  const started = performance.now();
  let shownStep = '';
  let shown = 0;
  return ({ step, detail, remaining }) => {
    const now = performance.now();
    if (step === shownStep && now - shown < (live ? 100 : 10_000)) return;
    shownStep = step;
    shown = now;
    const left = remaining === null ? '' : `, about ${minutes(remaining)} left`;
    const line = `optimize ${minutes((now - started) / 1000)}: ${step}${detail === '' ? '' : `, ${detail}`}${left}`;
    process.stderr.write(live ? `\r\x1b[K${line}` : `${line}\n`);
  };
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

async function runOptimize(flags: OptimizeFlags): Promise<void> {
  await checkOutputFiles(flags.report, flags.html);
  await checkOutputFolder(flags.out);
  if (flags.work !== undefined) await checkOutputFolder(flags.work);
  // what only this command needs is loaded only by it
  const { optimize } = await import('../tools/optimize/optimize.ts');
  const stop = stopSignal();
  try {
    const result = await optimize(
      {
        ...flags,
        foreign: {
          labels: flags.labels === undefined ? null : await readLabels(flags.labels),
          name: flags.name ?? bundleNameFrom(flags.model),
          version: flags.version ?? '1.0.0',
          ...networkOptions(flags),
        },
        name: flags.name ?? null,
        version: flags.version ?? null,
        out: resolve(flags.out),
        work: flags.work === undefined ? null : resolve(flags.work),
        maxLatencyMs: flags.maxLatencyMs ?? null,
        timeBudgetMinutes: flags.timeBudget ?? null,
      },
      stop.signal,
      showProgress(),
    );
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    await writeReport(flags.report, result.report);
    if (flags.html !== undefined) {
      const { renderOptimizePage } = await import('../tools/optimize/page/page.ts');
      await writeOutput(flags.html, renderOptimizePage(result.report));
    }
    if (result.missed !== null) throw result.missed;
    const { summarizeOptimize } = await import('../tools/optimize/summary.ts');
    console.log(summarizeOptimize(result.report));
    console.log(`bundle   ${result.folder ?? ''}`);
    console.log(
      `kept     ${result.work.folder}: ${Math.ceil(result.work.bytes / 1e6)} MB of finished ` +
        'steps, to be deleted when no other run is wanted',
    );
  } finally {
    stop.release();
  }
}
