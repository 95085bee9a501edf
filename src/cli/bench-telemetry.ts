import type { Command } from 'commander';
import {
  BROKER_CONDITIONS,
  type BrokerCondition,
  type TelemetryBenchReport,
} from '../contract/bench-telemetry.ts';
import { inTemporaryFolder } from '../platform/temporary-folder.ts';
import { benchTelemetry } from '../tools/bench/telemetry/bench-telemetry.ts';
import { numberFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';
import { describeLatency, mebibytes, trialOptions, withTrialOptions, type TrialFlags } from './kit/trials.ts';

/** Adds `goshawk bench telemetry` to `goshawk bench`. */
export function registerBenchTelemetry(bench: Command): void {
  const size = { width: 640, height: 360 };
  withTrialOptions(bench.command('telemetry'), {
    conditions: BROKER_CONDITIONS,
    settle: 3,
    maxSeconds: 1e6,
    size,
  })
    .description(
      'frames without telemetry, with brokers that are good, away, slow or hostile, with messages of days that wait, ' +
        'and with drift windows, in turn',
    )
    .option(
      '--backlog-hours <n>',
      'without a broker, before "backlog" and "catch-up"',
      numberFrom(0.01, 1_000),
      72,
    )
    .option('--catch-up-bits-per-second <n>', 'of the network in "catch-up"', numberFrom(1_000, 1e10), 1e6)
    .action(runBenchTelemetry);
}

interface TelemetryBenchFlags extends TrialFlags<BrokerCondition> {
  readonly backlogHours: number;
  readonly catchUpBitsPerSecond: number;
}

async function runBenchTelemetry(flags: TelemetryBenchFlags): Promise<void> {
  const report = await withReport(flags.report, () =>
    inTemporaryFolder('bench', (folder) =>
      untilStopped('bench telemetry', ({ signal }) =>
        benchTelemetry({ ...trialOptions(flags), folder, signal }),
      ),
    ),
  );
  for (const line of summaryOf(report)) console.log(line);
}

function summaryOf({ conditions, bytesByStream, backlog, acceptance }: TelemetryBenchReport): string[] {
  return [
    ...(backlog === undefined
      ? []
      : [
          `backlog: ${backlog.windows} windows of ${backlog.hours} h, ${mebibytes(backlog.payloadBytes)} MiB, ` +
            `${mebibytes(backlog.diskBytes)} MiB on the disk`,
        ]),
    ...conditions.map(
      (one) =>
        `${describeLatency(one)}, ` +
        `telemetry ${(one.telemetryCores * 100).toFixed(2)} % of a core, RSS ${mebibytes(one.rssMoreBytes)} MiB more` +
        ((one.firstLiveSeconds ?? null) === null ? '' : `, live after ${one.firstLiveSeconds?.toFixed(1)} s`),
    ),
    ...bytesByStream.map(
      ({ stream, bytesPerMessage, bytesPerDay }) =>
        `${stream}: ${bytesPerMessage.toFixed(0)} bytes a message` +
        (bytesPerDay === null ? '' : `, ${mebibytes(bytesPerDay)} MiB a day`),
    ),
    `worst p99 ${acceptance.worstP99Ratio.toFixed(2)}x, telemetry at most ` +
      `${(acceptance.telemetryCores * 100).toFixed(2)} % of a core, ${mebibytes(acceptance.rssMoreBytes)} MiB more`,
  ];
}
