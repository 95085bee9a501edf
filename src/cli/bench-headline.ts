import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { defaultModelFolders, ModelRepository } from '../model/repository.ts';
import { checkOutputFiles, writeReport } from '../platform/outputs.ts';
import { wholeFrom } from './numbers.ts';
import { stopSignal } from './stop-signal.ts';

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
    .option('--optimized <name|path>', 'what was made of it', 'goshawk-street')
    .option('--images <n>', 'scenes that both are judged on', wholeFrom(1, 100_000), 500)
    .option(
      '--seed <s>',
      'seed of the scenes; 900001 and above never trained',
      wholeFrom(0, 2 ** 32 - 1),
      900_001,
    )
    .option('--threads <n>', 'threads while latency is measured', wholeFrom(1, 256), 1)
    .option('--rounds <n>', 'turns of each model', wholeFrom(1, 10_000), 25)
    .option('--runs <n>', 'timed runs in a turn', wholeFrom(1, 10_000), 8)
    .action(runHeadline);
}

async function runHeadline(flags: HeadlineFlags): Promise<void> {
  await checkOutputFiles(flags.report);
  const repository = new ModelRepository(defaultModelFolders());
  const stop = stopSignal('bench headline');
  try {
    // loaded only here: it measures as "goshawk optimize" does, which no other command needs
    const { benchHeadline, headlineTable } = await import('../tools/bench/headline.ts');
    const report = await benchHeadline({
      ...flags,
      baseline: await repository.load(flags.baseline),
      optimized: await repository.load(flags.optimized),
      workers: availableParallelism(),
      signal: stop.signal,
      onProgress: showProgress(),
    });
    await writeReport(flags.report, report);
    console.log(headlineTable(report));
  } finally {
    stop.release();
  }
}

/** A line when an activity begins and every five seconds. */
function showProgress(): (activity: string, done: number, total: number) => void {
  let current = '';
  let shown = 0;
  return (activity, done, total) => {
    const now = performance.now();
    if (activity === current && now - shown < 5000 && done < total) return;
    current = activity;
    shown = now;
    process.stderr.write(`headline: ${activity} ${done}/${total}\n`);
  };
}
