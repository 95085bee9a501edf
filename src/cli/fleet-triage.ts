import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import type { TriageReport } from '../contract/fleet/drift.ts';
import type { TriageBenchReport } from '../contract/triage-bench.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { listUsableProviders } from '../device/inference/providers.ts';
import { TriageDesk } from '../fleet/triage/triage-desk.ts';
import { describeHost } from '../platform/describe-host.ts';
import { runTriageBench } from '../tools/drift/triage/bench.ts';
import { addDatabaseOptions, withDatabase, type DatabaseFlags } from './fleet-database.ts';
import { wholeFrom } from './kit/options.ts';
import { printJson, withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface TriageFlags extends DatabaseFlags {
  readonly minutes: number;
  readonly until?: string;
  readonly json?: true;
  readonly simulate?: number;
  readonly seed: number;
  readonly bundle: string;
  readonly report?: string;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

function describeTriage({ start, end, cameras, answers }: TriageReport): string[] {
  const { total, sampled, compared, states } = cameras;
  return [
    `${start} to ${end}: ${total} cameras, ${sampled} looked at, ${compared} compared, ${states.drifted} drifted`,
    ...(answers.length === 0 ? ['nothing stands out'] : []),
    ...answers.flatMap(({ text, certainty, explained, alternatives }, at) => [
      `${at + 1}. ${text} (certainty ${percent(certainty)}, explains ${percent(explained)} of all shifts)`,
      ...(alternatives.length === 0
        ? []
        : [`   rather than ${alternatives.map((other) => other.text).join(', ')}`]),
    ]),
  ];
}

function describeBench({
  incidents,
  right,
  byKind,
  overlapping,
  surplus,
  quiet,
}: TriageBenchReport): string[] {
  return [
    `${incidents} incidents: ${percent(right)} right`,
    ...byKind.map((row) => `  ${row.kind}: ${row.right} of ${row.incidents}`),
    `${overlapping.incidents} incidents, two at a time: ${percent(overlapping.right)} right`,
    `${surplus} answers too many; ${quiet.answers} answers for ${quiet.fleets} fleets without an incident`,
  ];
}

async function simulate(incidents: number, { seed, bundle: name, report: file }: TriageFlags): Promise<void> {
  const say = (line: string): void => console.error(`fleet triage: ${line}`);
  const report = await withReport(file, async () => {
    const bundle = await openBundle(name, say);
    const host = describeHost(listUsableProviders());
    return untilStopped('fleet triage', ({ signal }) =>
      runTriageBench({ bundle, host, seed, incidents, say, signal }),
    );
  });
  for (const line of describeBench(report)) console.log(line);
}

async function look(flags: TriageFlags): Promise<void> {
  const { minutes, until } = flags;
  if (until !== undefined && Number.isNaN(Date.parse(until)))
    throw new GoshawkError('GOSHAWK_USAGE', { reason: `--until ${until} is not a time (ISO 8601)` });
  const report = await withReport(flags.report, () =>
    withDatabase(flags, (database) =>
      new TriageDesk(database).answer(
        { minutes, ...(until === undefined ? {} : { until: new Date(until).toISOString() }) },
        new Date(),
      ),
    ),
  );
  if (flags.json === true) printJson(report);
  else for (const line of describeTriage(report)) console.log(line);
}

/** Adds `goshawk fleet triage`. */
export function registerFleetTriage(fleet: Command, defaultFolder: string): void {
  const command = fleet
    .command('triage')
    .description('what is wrong where: one camera, one robot, one site, a season, or a bad model');
  addDatabaseOptions(command, defaultFolder)
    .option('--minutes <n>', 'length of the time to look at', wholeFrom(5, 180), 30)
    .option('--until <time>', "its end by the robots' clocks (ISO 8601); now if absent")
    .option('--json', 'print it for programs')
    .option('--report <file>', 'write the result as JSON')
    .option(
      '--simulate <n>',
      'no database: measure triage with so many simulated incidents',
      wholeFrom(1, 1e5),
    )
    .option('--seed <n>', 'of simulated incidents', wholeFrom(0, 1e9), 1)
    .option('--bundle <name|path>', 'whose boxes simulated cameras have', 'goshawk-street')
    .action((flags: TriageFlags) =>
      flags.simulate === undefined ? look(flags) : simulate(flags.simulate, flags),
    );
}
