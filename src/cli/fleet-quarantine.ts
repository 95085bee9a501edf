import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import type { QuarantineChange } from '../contract/fleet-quarantine.ts';
import { describeChange, describeQuarantine } from '../fleet/quarantine/describe-quarantine.ts';
import { dropQuarantined } from '../fleet/quarantine/drop.ts';
import { findRobot } from '../fleet/quarantine/find-robot.ts';
import { replayQuarantine } from '../fleet/quarantine/replay.ts';
import { listQuarantine, showQuarantined, type QuarantineFilter } from '../fleet/quarantine/select.ts';
import type { Database } from '../fleet/store/database.ts';
import { addDatabaseOptions, withDatabase, type DatabaseFlags } from './fleet-database.ts';
import { wholeFrom } from './kit/options.ts';
import { printJson } from './kit/report.ts';
import { ownAuthor } from './own-author.ts';

interface SelectFlags extends DatabaseFlags {
  readonly robot?: string;
  readonly reason?: string;
  readonly json?: true;
}

interface ListFlags extends SelectFlags {
  readonly limit: number;
}

interface ChangeFlags extends SelectFlags {
  readonly dryRun?: true;
  readonly all?: true;
}

const readId = wholeFrom(0, Number.MAX_SAFE_INTEGER);

const readIds = (text: string, before: readonly number[] = []): readonly number[] => [
  ...before,
  readId(text),
];

async function filterOf(
  database: Database,
  ids: readonly number[],
  { robot, reason }: SelectFlags,
): Promise<QuarantineFilter> {
  return {
    ids: ids.length === 0 ? null : ids,
    robot: robot === undefined ? null : await findRobot(database, robot),
    reason: reason ?? null,
  };
}

async function show(id: number, flags: DatabaseFlags): Promise<void> {
  const message = await withDatabase(flags, (database) => showQuarantined(database, id));
  if (message === null) throw new GoshawkError('GOSHAWK_QUARANTINE_UNKNOWN', { id: String(id) });
  printJson(message);
}

async function list({ limit, json, ...flags }: ListFlags): Promise<void> {
  const found = await withDatabase(flags, async (database) =>
    listQuarantine(database, await filterOf(database, [], flags), limit, new Date()),
  );
  if (json === true) printJson(found);
  else console.log(describeQuarantine(found));
}

function printChange(change: QuarantineChange, { json }: ChangeFlags): void {
  if (json === true) printJson(change);
  else console.log(describeChange(change));
}

async function replay(ids: readonly number[], flags: ChangeFlags): Promise<void> {
  const change = await withDatabase(flags, async (database) =>
    replayQuarantine(database, await filterOf(database, ids, flags), flags.dryRun === true, ownAuthor()),
  );
  printChange(change, flags);
}

async function drop(ids: readonly number[], flags: ChangeFlags): Promise<void> {
  const { robot, reason, all, dryRun } = flags;
  if (ids.length === 0 && robot === undefined && reason === undefined && all !== true)
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: 'say what to drop: ids, --robot, --reason, or --all for everything',
    });
  const change = await withDatabase(flags, async (database) =>
    dropQuarantined(database, await filterOf(database, ids, flags), dryRun === true, ownAuthor()),
  );
  printChange(change, flags);
}

/** Adds `goshawk fleet quarantine`. */
export function registerFleetQuarantine(fleet: Command, defaultFolder: string): void {
  const quarantine = fleet
    .command('quarantine')
    .description('messages that were refused: see them, store them after a correction, or drop them');
  const add = (text: string, description: string): Command =>
    addDatabaseOptions(quarantine.command(text).description(description), defaultFolder);
  const selecting = (command: Command): Command =>
    command
      .option(
        '--robot <name>',
        'only of this robot: NAME, or SITE/NAME where several sites have one of that name',
      )
      .option('--reason <reason>', 'only those refused for this reason')
      .option('--json', 'print it for programs');
  selecting(add('list', 'the newest ones, with the reason'))
    .option('--limit <n>', 'how many at most', wholeFrom(1, 100_000), 100)
    .action(list);
  add('show', 'one of them with its payload, as JSON')
    .argument('<id>', 'as in the list', readId)
    .action(show);
  selecting(add('replay', 'check them again, and store those that pass now; to repeat it changes nothing'))
    .argument('[ids...]', 'only these', readIds)
    .option('--dry-run', 'only report what would happen')
    .action((ids: readonly number[] = [], flags: ChangeFlags) => replay(ids, flags));
  selecting(add('drop', 'delete them; their numbers are declared lost'))
    .argument('[ids...]', 'only these', readIds)
    .option('--all', 'everything in quarantine')
    .option('--dry-run', 'only report what would happen')
    .action((ids: readonly number[] = [], flags: ChangeFlags) => drop(ids, flags));
}
