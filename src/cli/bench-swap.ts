import type { Command } from 'commander';
import type { SwapBenchReport } from '../contract/bench.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { benchSwap } from '../tools/bench/swap.ts';
import { numberFrom, sizeOption, wholeFrom, type Size } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface SwapFlags {
  readonly report: string;
  readonly bundle: string;
  readonly fallback: string;
  readonly size: Size;
  readonly rate: number;
  readonly load?: number;
  readonly swaps: number;
  readonly threads: number;
}

/** Milliseconds without a swap before each one. */
const QUIET_MS = 1500;

/** Adds `goshawk bench swap` to `goshawk bench`. */
export function registerBenchSwap(bench: Command): void {
  bench
    .command('swap')
    .description('frames while a running pipeline changes between two models: losses, order, latency')
    .requiredOption('--report <file>', 'JSON report')
    .option('--bundle <name|path>', 'the model', 'goshawk-street')
    .option('--fallback <name|path>', 'the other model, with the same labels', 'goshawk-street-pruned')
    .addOption(sizeOption('--size <WxH>', 'camera image', { width: 1280, height: 720 }))
    .option('--rate <hz>', 'frames per second', numberFrom(0.1, 1000), 30)
    .option('--load <percent>', 'the rate: so much of what the slower model can do', numberFrom(1, 200))
    .option('--swaps <n>', 'there and back again', wholeFrom(2, 10_000), 20)
    .option('--threads <n>', 'ONNX Runtime threads', wholeFrom(1, 256), 1)
    .action(runSwap);
}

async function runSwap({ size, bundle: name, load, ...flags }: SwapFlags): Promise<void> {
  const report = await withReport(flags.report, async () => {
    const bundle = await openBundle(name, (line) => console.error(line));
    return untilStopped('bench swap', ({ signal }) =>
      benchSwap({ ...flags, ...size, load: load ?? null, bundle, quietMs: QUIET_MS, signal }),
    );
  });
  console.log(wordsOf(report));
}

function wordsOf(report: SwapBenchReport): string {
  const { rate, load, swaps, swapMs, frames, dropped, outOfOrder, totalMs, p99Ratio } = report;
  const { received, published } = frames;
  const drops = Object.entries(frames.drops).map(([reason, count]) => `${reason} ${String(count)}`);
  const spreads = Object.entries(totalMs).map(
    ([when, { p50, p99, count }]) =>
      `${when} p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)} (${String(count)} frames)`,
  );
  return [
    `${rate.toFixed(1)} frames per second${load === null ? '' : `, a load of ${String(load)} %`}`,
    `${String(swaps)} swaps, p50 ${swapMs.p50.toFixed(0)} ms; out of order: ${String(outOfOrder)}`,
    `${String(received)} frames received, ${String(published)} published, dropped: ${drops.join(', ') || 'none'}`,
    `dropped during swaps: ${String(dropped.during)}, otherwise: ${String(dropped.otherwise)}`,
    `ms of a frame: ${spreads.join('; ')}: p99 ${p99Ratio.toFixed(2)}x`,
  ].join('\n');
}
