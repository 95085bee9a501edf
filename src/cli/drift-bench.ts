import { join } from 'node:path';
import type { Command } from 'commander';
import type { DriftDeviations, DriftTrialsReport } from '../contract/drift-bench.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { listUsableProviders } from '../device/inference/providers.ts';
import { describeHost } from '../platform/describe-host.ts';
import { writeOutput } from '../platform/outputs.ts';
import { runDriftBench } from '../tools/drift/bench/bench.ts';
import { numberFrom, wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

const PEERS = join(import.meta.dirname, '../../scripts/drift/peers.py');

interface BenchFlags {
  readonly bundle: string;
  readonly seed: number;
  readonly worlds: number;
  readonly robots: number;
  readonly days: number;
  readonly falseAlarmsPerWeek: number;
  readonly referencePieces: number;
  readonly pieces: number;
  readonly piece: number;
  readonly peers?: string;
  readonly deviations?: string;
  readonly report?: string;
}

const percent = (share: number | null): string => (share === null ? 'none' : `${(100 * share).toFixed(0)} %`);

function summaryOf({
  detected,
  causeRight,
  falseAlarmRatio,
  noDrift,
  trials,
  rules,
}: DriftTrialsReport): string[] {
  return [
    `no drift: ${noDrift.alarms} alarms, ${noDrift.allowed.toFixed(1)} allowed: ratio ${falseAlarmRatio.toFixed(2)} ` +
      `(${noDrift.interval.map((end) => end.toFixed(2)).join(' to ')}); ${noDrift.alarmsAtOnce} in the ` +
      `${noDrift.observedSeconds} s that were observed`,
    `middle strength: ${percent(detected)} detected, cause right in ${percent(causeRight)} of them`,
    ...trials.map(
      ({ kind, strength, ...row }) =>
        `${kind} ${strength}: ${row.detected} of ${row.trials}, median ${row.medianSeconds ?? '-'} s, ` +
        `cause right ${row.causeRight}`,
    ),
    ...rules.map(
      (row) =>
        `${row.rule}: ${row.falseAlarmsPerWeek.toFixed(0)} false alarms a week, ${percent(row.detected)} detected, ` +
        `median ${row.medianSeconds ?? '-'} s`,
    ),
  ];
}

/** Adds `goshawk drift bench`. */
export function registerDriftBench(drift: Command): void {
  drift
    .command('bench')
    .description('false alarms and detection in simulated streets, next to customary rules')
    .option('--bundle <name|path>', 'the model whose boxes are observed', 'goshawk-street')
    .option('--seed <n>', 'of streets and resampling', wholeFrom(0, 1e9), 1)
    .option('--worlds <n>', 'streets to observe', wholeFrom(1, 100), 6)
    .option('--robots <n>', 'robots without drift', wholeFrom(1, 10_000), 20)
    .option('--days <n>', 'days of each of them', numberFrom(0.01, 1000), 7)
    .option('--false-alarms-per-week <n>', 'the setting', numberFrom(0.001, 10_000), 1)
    .option(
      '--reference-pieces <n>',
      'places where each context is observed for 50 s for a reference',
      wholeFrom(2, 1440),
      48,
    )
    .option(
      '--pieces <n>',
      'pieces of each context that are observed after that, without drift',
      wholeFrom(2, 1440),
      12,
    )
    .option('--piece <n>', 'seconds of each piece, and of each drift', wholeFrom(20, 3600), 60)
    .option(
      '--peers <python>',
      'a Python with scripts/drift/peers-requirements.txt: what Evidently and river say',
    )
    .option('--deviations <file>', 'write what drift did to the features, for scripts/drift/fit_changes.py')
    .option('--report <file>', 'write the result as JSON')
    .action(async (flags: BenchFlags) => {
      const report = await withReport(flags.report, async () => {
        const { referencePieces, pieces, piece, seed, worlds, robots, days, falseAlarmsPerWeek } = flags;
        const say = (line: string): void => console.error(`drift bench: ${line}`);
        const bundle = await openBundle(flags.bundle, say);
        const host = describeHost(listUsableProviders());
        const peers = flags.peers === undefined ? null : { python: flags.peers, script: PEERS };
        const sizes = { worlds, robots, days, peers, referencePieces, pieces, piece };
        const { deviations } = flags;
        const keepDeviations =
          deviations === undefined
            ? null
            : (all: DriftDeviations) => writeOutput(deviations, JSON.stringify(all));
        return untilStopped('drift bench', ({ signal }) =>
          runDriftBench({ bundle, host, seed, falseAlarmsPerWeek, ...sizes, keepDeviations, say, signal }),
        );
      });
      for (const line of summaryOf(report)) console.log(line);
    });
}
