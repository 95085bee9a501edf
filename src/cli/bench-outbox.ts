import type { Command } from 'commander';
import type { OutboxBenchReport } from '../contract/bench-outbox.ts';
import { describeHost } from '../platform/describe-host.ts';
import { inTemporaryFolder } from '../platform/temporary-folder.ts';
import { benchOutbox } from '../tools/bench/outbox/bench-outbox.ts';
import { numberFrom, wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface OutboxBenchFlags {
  readonly report: string;
  readonly hours: number;
  readonly seed: number;
  readonly bitsPerSecond: number;
}

/** Adds `goshawk bench outbox` to `goshawk bench`. */
export function registerBenchOutbox(bench: Command): void {
  bench
    .command('outbox')
    .description('telemetry that waits while a robot is offline: bytes, CPU, and the time to catch up')
    .requiredOption('--report <file>', 'JSON report')
    .option('--hours <n>', 'without a broker, on a simulated clock', numberFrom(0.01, 1_000), 72)
    .option('--seed <n>', 'of the windows', wholeFrom(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--bits-per-second <n>', 'of the network to the broker', numberFrom(1_000, 1e10), 1e6)
    .action(runBenchOutbox);
}

async function runBenchOutbox(flags: OutboxBenchFlags): Promise<void> {
  const report = await withReport(flags.report, () =>
    inTemporaryFolder('bench', (folder) =>
      untilStopped('bench outbox', ({ signal }) =>
        benchOutbox({
          ...flags,
          folder,
          host: describeHost(['cpu']),
          signal,
          say: (line) => console.log(line),
        }),
      ),
    ),
  );
  console.log(summaryOf(report));
}

function summaryOf({ offline, openSeconds, catchUp }: OutboxBenchReport): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return (
    `${offline.windows} windows: ${megabytes(offline.payloadBytes)} MB of payloads, ` +
    `${megabytes(offline.diskBytes)} MB on the disk, ${offline.cpuMsPerWindow.toFixed(2)} ms of CPU a window; ` +
    `opened in ${openSeconds.toFixed(2)} s; caught up in ${catchUp.seconds.toFixed(0)} s with ` +
    `${megabytes(catchUp.batchBytes)} MB (${catchUp.bytesPerWindow.toFixed(0)} bytes a window)`
  );
}
