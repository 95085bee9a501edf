import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BundleManifest } from '../contract/bundle.ts';
import { HEAD_TABLE } from '../core/heads/head-table.ts';
import { loadBundle, type Bundle } from '../model/bundle.ts';
import { bundleNameFrom } from '../model/bundle-name.ts';
import { checkOutputFolder, writeOutput } from '../platform/outputs.ts';
import { addNetworkOptions, networkOptions, readLabels, type NetworkFlags } from './import-options.ts';
import { LiveLine } from './kit/live-line.ts';
import { anyNumber } from './kit/options.ts';
import { withOutcome } from './kit/report.ts';
import { addRobotLimitOptions, robotLimits } from './kit/robot-options.ts';
import { untilStopped } from './kit/stop-signal.ts';
import { checkImageReference, writeImageReference } from './reference-file.ts';
import type { OptimizeResult } from '../tools/optimize/optimize.ts';
import type { OnProgressEvent } from '../tools/optimize/progress.ts';

interface OptimizeFlags extends NetworkFlags {
  readonly model: string;
  readonly calibration: string;
  readonly annotations: string;
  readonly images: string;
  readonly maxApDrop: number;
  readonly out: string;
  readonly report: string;
  readonly html?: string;
  readonly driftReferenceOut?: string;
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

/** Adds `goshawk optimize` to the program. */
export function registerOptimize(program: Command): void {
  const command = program
    .command('optimize')
    .description('make a detector smaller and faster above an accuracy floor, and prove it')
    .requiredOption('--model <file|bundle>', 'an ONNX file, or a bundle by NAME[@VERSION] or path')
    .requiredOption('--calibration <dir>', 'images (JPEG, PNG) of what the camera sees, unlabeled')
    .requiredOption('--annotations <file>', 'COCO detection annotations of the labeled images')
    .requiredOption('--images <dir>', 'folder of the labeled images')
    .requiredOption('--out <dir>', 'model folder that the bundle is written to')
    .requiredOption('--report <file>', 'write trials and results as JSON')
    .option('--max-ap-drop <ap>', 'AP that may be lost, 0..1: 0.01 is one point', anyNumber, 0.01)
    .option('--html <file>', 'write a page with plots')
    .option(
      '--drift-reference-out <file>',
      'write what a robot observes in the labeled images, as a drift reference (docs/drift.md)',
    )
    .option(
      '--max-latency-ms <n>',
      'choose the most accurate variant within this latency, milliseconds',
      anyNumber,
    )
    .option('--time-budget <minutes>', 'limit of the search (default: until everything is tried)', anyNumber)
    .option('--threads <n>', 'threads for measuring latency', anyNumber, 1)
    .option('--labels <file>', 'for an ONNX file: class names, one per line, or "coco80"')
    .option('--name <name>', 'name of the bundle (default: the name of the model)')
    .option(
      '--version <version>',
      'version of the bundle (default: 1.0.0 for an ONNX file, else the next minor)',
    )
    .option('--ignore-unknown', 'ignore objects of categories that the model has no label for', false)
    .option('--search-share <s>', 'share of the labeled images for the search', anyNumber, 0.5)
    .option('--seed <s>', 'seed of the split and of the intervals', anyNumber, 1)
    .option(
      '--work <dir>',
      'where finished steps are stored, to resume after an interruption (default: OUT/.optimize)',
    )
    .option('--fresh', 'discard the finished steps of earlier runs', false);
  addRobotLimitOptions(command);
  addNetworkOptions(command).action(runOptimize);
}

function showProgress(line: LiveLine): OnProgressEvent {
  const started = performance.now();
  let shownStep = '';
  return ({ step, detail, remaining }) => {
    const left = remaining === null ? '' : `, about ${minutes(remaining)} left`;
    const passed = minutes((performance.now() - started) / 1000);
    line.show(`optimize ${passed}: ${step}${detail === '' ? '' : `, ${detail}`}${left}`, step !== shownStep);
    shownStep = step;
  };
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

async function runOptimize(flags: OptimizeFlags): Promise<void> {
  await checkOutputFolder(flags.out);
  if (flags.work !== undefined) await checkOutputFolder(flags.work);
  const { report, missed, folder, work } = await withOutcome(
    flags.report,
    () => search(flags),
    flags.html,
    flags.driftReferenceOut,
  );
  if (flags.html !== undefined) {
    const { renderOptimizePage } = await import('../tools/optimize/page/page.ts');
    await writeOutput(flags.html, renderOptimizePage(report));
  }
  if (missed !== null) throw missed;
  const { summarizeOptimize } = await import('../tools/optimize/summary.ts');
  console.log(summarizeOptimize(report));
  console.log(`bundle   ${folder ?? ''}`);
  console.log(
    `kept     ${work.folder}: ${Math.ceil(work.bytes / 1e6)} MB of finished ` +
      'steps; delete it if you do not plan another run',
  );
  if (folder !== null) await prepareForDrift(await loadBundle(folder), flags);
}

/** What a robot needs to notice drift: the reference if it was asked for, and how to make the accuracy fit. */
async function prepareForDrift(bundle: Bundle, flags: OptimizeFlags): Promise<void> {
  const { annotations, images, threads, driftReferenceOut: file } = flags;
  if (file !== undefined)
    await writeImageReference(file, {
      ...{ bundle, annotations, images, threads },
      limit: null,
      preprocess: 'sharp',
      limits: robotLimits(flags),
    });
  if (HEAD_TABLE[bundle.manifest.head].isSuppressed) return;
  const pictures = `--annotations ${annotations} --images ${images}`;
  console.log(
    `next     goshawk drift fit --bundle ${bundle.folder} ${pictures}  (its accuracy without labels)`,
  );
}

async function search(flags: OptimizeFlags): Promise<OptimizeResult> {
  // loaded only here: no other command needs it
  const { optimize } = await import('../tools/optimize/optimize.ts');
  const line = new LiveLine(process.stderr, { everyMs: 10_000 });
  const labels = flags.labels === undefined ? null : await readLabels(flags.labels);
  const name = flags.name ?? bundleNameFrom(flags.model);
  const { annotations, driftReferenceOut } = flags;
  const what = { annotations, limit: null, limits: robotLimits(flags) };
  const options = {
    ...flags,
    foreign: { labels, name, version: flags.version ?? '1.0.0', ...networkOptions(flags) },
    name: flags.name ?? null,
    version: flags.version ?? null,
    out: resolve(flags.out),
    work: flags.work === undefined ? null : resolve(flags.work),
    maxLatencyMs: flags.maxLatencyMs ?? null,
    timeBudgetMinutes: flags.timeBudget ?? null,
    checkModel: async (manifest: BundleManifest) => {
      if (driftReferenceOut !== undefined) await checkImageReference(manifest, what);
    },
  };
  const result = await untilStopped(null, ({ signal }) => optimize(options, signal, showProgress(line)));
  line.clear();
  return result;
}
