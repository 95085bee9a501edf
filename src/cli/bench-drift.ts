import type { Command } from 'commander';
import type { DriftBenchReport } from '../contract/bench.ts';
import { defaultModelFolders, ModelRepository } from '../model/repository.ts';
import { benchDrift } from '../tools/bench/drift.ts';
import { sizeOption, wholeFrom, type Size } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface DriftFlags {
  readonly report: string;
  readonly bundle: string;
  readonly size: Size;
  readonly frames: number;
  readonly threads: number;
}

/** Adds `goshawk bench drift` to `goshawk bench`. */
export function registerBenchDrift(bench: Command): void {
  bench
    .command('drift')
    .description('what it costs to measure frames: one engine, every second frame with statistics')
    .requiredOption('--report <file>', 'JSON report')
    .option('--bundle <name|path>', 'the model', 'goshawk-street')
    .addOption(sizeOption('--size <WxH>', 'camera image', { width: 1280, height: 720 }))
    .option('--frames <n>', 'frames of each kind of input', wholeFrom(10, 1_000_000), 2000)
    .option('--threads <n>', 'ONNX Runtime threads', wholeFrom(1, 256), 1)
    .action(runDrift);
}

async function runDrift({ size, ...flags }: DriftFlags): Promise<void> {
  const report = await withReport(flags.report, async () => {
    const bundle = await new ModelRepository(defaultModelFolders()).load(flags.bundle);
    return untilStopped('bench drift', ({ signal }) => benchDrift({ ...flags, ...size, bundle, signal }));
  });
  console.log(tableOf(report));
}

/** Milliseconds without and with statistics. */
function tableOf({ letterboxed, raw }: DriftBenchReport): string {
  const rows = Object.entries({ letterboxed, raw }).flatMap(([input, cost]) => {
    if (cost === null) return [];
    const { total, decode, p99Ratio } = cost;
    const pair = (one: number, other: number): string => `${one.toFixed(2)} ${other.toFixed(2)}`;
    return [
      `${input}: total p50 ${pair(total.without.p50, total.with.p50)}, ` +
        `p99 ${pair(total.without.p99, total.with.p99)} (${p99Ratio.toFixed(2)}x), ` +
        `decode p50 ${pair(decode.without.p50, decode.with.p50)}`,
    ];
  });
  return ['ms of a frame, without and with statistics', ...rows].join('\n');
}
