import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { defaultModelFolders, ModelRepository } from '../model/repository.ts';
import { LiveLine } from './kit/live-line.ts';
import { wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface HeadlineFlags {
  readonly report: string;
  readonly baseline: string;
  readonly optimized: string;
  readonly images: number;
  readonly seed: number;
  readonly threads: number;
  readonly rounds: number;
  readonly runs: number;
}

/** Adds `goshawk bench headline` to `goshawk bench`. */
export function registerBenchHeadline(bench: Command): void {
  bench
    .command('headline')
    .description('the optimized default bundle against the fp32 baseline it came from: latency, bytes, AP')
    .requiredOption('--report <file>', 'JSON report')
    .option('--baseline <name|path>', 'fp32 bundle', 'goshawk-street-baseline')
    .option('--optimized <name|path>', 'the bundle made from it', 'goshawk-street')
    .option('--images <n>', 'scenes that both are evaluated on', wholeFrom(1, 100_000), 500)
    .option(
      '--seed <s>',
      'seed of the scenes; 900001 and above were never used for training',
      wholeFrom(0, 2 ** 32 - 1),
      900_001,
    )
    .option('--threads <n>', 'threads while latency is measured', wholeFrom(1, 256), 1)
    .option('--rounds <n>', 'turns per model', wholeFrom(1, 10_000), 25)
    .option('--runs <n>', 'timed runs per turn', wholeFrom(1, 10_000), 8)
    .action(runHeadline);
}

async function runHeadline(flags: HeadlineFlags): Promise<void> {
  const line = new LiveLine(process.stderr);
  let shown = '';
  const onProgress = (activity: string, done: number, total: number): void => {
    line.show(`headline: ${activity} ${done}/${total}`, activity !== shown || done === total);
    shown = activity;
  };
  // loaded only here: it measures as "goshawk optimize" does, which no other command needs
  const { benchHeadline, headlineTable } = await import('../tools/bench/headline.ts');
  const report = await withReport(flags.report, async () => {
    const repository = new ModelRepository(defaultModelFolders());
    const baseline = await repository.load(flags.baseline);
    const optimized = await repository.load(flags.optimized);
    return untilStopped('bench headline', ({ signal }) =>
      benchHeadline({ ...flags, baseline, optimized, workers: availableParallelism(), signal, onProgress }),
    );
  });
  line.clear();
  console.log(headlineTable(report));
}
