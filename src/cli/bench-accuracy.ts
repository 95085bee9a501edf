import type { Command } from 'commander';
import {
  accuracyBenchReportSchema,
  type AccuracyBenchReport,
  type AccuracyBenchRow,
} from '../contract/accuracy-bench.ts';
import type { AccuracySamples } from '../contract/accuracy-samples.ts';
import { listUsableProviders } from '../device/inference/providers.ts';
import { describeHost } from '../platform/describe-host.ts';
import { leaveOutRows, noiseOf, triedRows } from '../tools/drift/accuracy/bench.ts';
import { orImpossible } from '../tools/drift/accuracy/make-fit.ts';
import { readSamples } from '../tools/drift/accuracy/samples-file.ts';
import { repeated } from './kit/options.ts';
import { withReport } from './kit/report.ts';

interface BenchFlags {
  readonly samples: string;
  readonly on?: readonly string[];
  readonly report?: string;
}

const partOf = ({ source, mixes }: AccuracySamples, rows: AccuracyBenchRow[]) => ({
  source,
  mixes: mixes.map(({ mix }) => mix),
  noise: noiseOf(mixes),
  rows,
});

async function bench({ samples, on = [] }: BenchFlags): Promise<AccuracyBenchReport> {
  const startedAt = new Date();
  const fitted = await readSamples(samples);
  const tried: AccuracyBenchReport['tried'] = [];
  for (const file of on) {
    const other = await readSamples(file);
    tried.push(
      partOf(
        other,
        orImpossible(fitted, () => triedRows(fitted.mixes, other.mixes)),
      ),
    );
  }
  return accuracyBenchReportSchema.parse({
    schema: 'goshawk.report.bench-accuracy-estimate/1',
    startedAt: startedAt.toISOString(),
    host: describeHost(listUsableProviders()),
    bundle: fitted.bundle,
    fitted: partOf(
      fitted,
      orImpossible(fitted, () => leaveOutRows(fitted.mixes)),
    ),
    tried,
  });
}

const percent = (value: number | null): string =>
  (value === null ? '-' : (100 * value).toFixed(1)).padStart(5);

const verdictOf = ({ precision, recall, recallOfSevere }: AccuracyBenchRow['byInterval']): string =>
  `${percent(precision)} ${percent(recall)} ${percent(recallOfSevere)}`;

function tableOf(title: string, { noise, rows }: AccuracyBenchReport['fitted']): string[] {
  return [
    title,
    ...(noise === null
      ? []
      : [`  true shares in other draws of the pictures are ${percent(noise).trim()} points off, on average`]),
    '  worse: precision, recall, recall of losses above 30 %; last: changes of the scene mix alone called worse',
    '  baseline  left out        error  rank   as the detector    by interval        by estimate        scene mixes',
    ...rows.map(lineOf),
  ];
}

function lineOf(row: AccuracyBenchRow): string {
  const { baseline, unseen, meanAbsolute, rankCorrelation, harmless, method } = row;
  const verdicts = [row.byPoint, row.byInterval, row.byEstimate].map(verdictOf).join('  ');
  const leftOut = unseen === 'corruption' ? unseen : 'and scene mix';
  return (
    `  ${baseline.padEnd(8)}  ${leftOut.padEnd(14)} ${percent(meanAbsolute)}  ` +
    `${rankCorrelation?.toFixed(3) ?? '  -  '}  ${verdicts}  ` +
    `${String(harmless.worse)} of ${String(harmless.samples)}  ${method}`
  );
}

/** Adds `goshawk bench accuracy-estimate`. */
export function registerBenchAccuracy(command: Command): void {
  command
    .command('accuracy-estimate')
    .description(
      'estimated against true share of AP that is kept, next to customary estimates (docs/drift.md)',
    )
    .requiredOption(
      '--samples <file>',
      'samples of "goshawk drift fit", tried by leaving out corruptions and scene mixes',
    )
    .option('--on <file>', 'other samples that the fit of --samples is tried on (may be repeated)', repeated)
    .option('--report <file>', 'write the result as JSON')
    .action(async (flags: BenchFlags) => {
      const { fitted, tried } = await withReport(flags.report, () => bench(flags));
      const lines = [fitted, ...tried].flatMap((part, i) =>
        tableOf(`${i === 0 ? 'left out of' : 'tried on'} ${part.source} (${part.mixes.join(', ')})`, part),
      );
      for (const line of lines) console.log(line);
    });
}
