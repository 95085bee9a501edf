import { performance } from 'node:perf_hooks';
import type { Command } from 'commander';
import { RobotBoard } from '../fleet/board/robot-board.ts';
import { listRobots, robotHistory } from '../fleet/api/robots.ts';
import { warmUp } from '../fleet/api/warm-up.ts';
import { seedFleet } from '../fleet/seed/seed-fleet.ts';
import type { Database } from '../fleet/store/database.ts';
import { EmbeddedPostgres } from '../fleet/store/embedded/embedded-postgres.ts';
import { embeddedDatabase, openStore } from '../fleet/store/open-store.ts';
import { wholeFrom } from './kit/options.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface BenchFlags {
  readonly robots: number;
  readonly hours: number;
  readonly folder: string;
}

const CONNECTIONS = 4;
const ROUNDS = 30;
const NOBODY = { stateOf: () => null } as const;

function say(line: string): void {
  console.log(`bench: ${line}`);
}

/** Times one question, answered and written as JSON. */
async function measure(what: string, ask: (round: number) => Promise<object | null>): Promise<void> {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    bytes = JSON.stringify(await ask(round)).length;
    times.push(performance.now() - startedAt);
  }
  const [first = 0] = times;
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number): string => (sorted[Math.floor(share * (ROUNDS - 1))] ?? 0).toFixed(1);
  say(
    `${what}: p50 ${at(0.5)} ms, max ${at(1)} ms, first ${first.toFixed(1)} ms, ${(bytes / 1024).toFixed(0)} KiB`,
  );
}

async function seed(database: Database, { robots, hours }: BenchFlags): Promise<void> {
  const [row] = await database.query<{ senders: number }>('select count(*) as senders from fleet.senders');
  if ((row?.senders ?? 0) > 0) return;
  const startedAt = performance.now();
  await seedFleet(database, { robots, hours, now: new Date() }, (done) => say(`${done} robots`));
  say(`${robots} robots with ${hours} h in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
}

async function bench(database: Database, flags: BenchFlags): Promise<void> {
  const all = { search: '', order: 'name', limit: 1, offset: 0 } as const;
  await measure('all robots, read from nothing', () =>
    listRobots(database, new RobotBoard(database, NOBODY), all, new Date()),
  );
  const board = new RobotBoard(database, NOBODY);
  // as `fleet serve` does before it listens
  const startedAt = performance.now();
  await warmUp(database, board, new Date());
  say(`warm-up: ${(performance.now() - startedAt).toFixed(0)} ms`);
  // each list finds an answer that is older than the board allows; time only goes forward, as it does for a page
  const start = Date.now();
  let asked = 0;
  const at = (): Date => new Date(start + (asked += 1) * 2_000);
  const list = { search: '', order: 'trouble', limit: 100, offset: 0 } as const;
  await measure('list, worst first', () => listRobots(database, board, list, at()));
  await measure('list, search', () => listRobots(database, board, { ...list, search: 'customer-3' }, at()));
  for (const [hours, points] of [
    [24, 288],
    [168, 168],
    [720, 720],
  ] as const)
    await measure(`one robot, ${hours} h`, (round) => {
      const n = 1 + ((round * 7_919) % flags.robots);
      const only = { site: `site-${n % 20}`, robot: `robot-${String(n).padStart(5, '0')}` };
      return robotHistory(database, board, only, { hours, points }, new Date(start + asked * 2_000));
    });
}

async function run(flags: BenchFlags): Promise<void> {
  await untilStopped('fleet bench', async ({ signal }) => {
    const postgres = await EmbeddedPostgres.start({ folder: flags.folder, say, signal });
    const address = await embeddedDatabase(postgres.connection);
    const database = await openStore(address, CONNECTIONS, Date.now(), say);
    try {
      await seed(database, flags);
      await bench(database, flags);
    } finally {
      await database.close();
      await postgres.stop();
    }
  });
}

/** Adds `goshawk fleet bench`. */
export function registerFleetBench(fleet: Command): void {
  fleet
    .command('bench')
    .description('fill an empty database with robots and their rollups, and measure what the page asks of it')
    .requiredOption('--folder <dir>', 'of an embedded PostgreSQL, which is made; filled if it has no robot')
    .option('--robots <n>', 'how many', wholeFrom(1, 99_999), 10_000)
    .option('--hours <n>', 'of rollups', wholeFrom(1, 8_760), 24)
    .action(run);
}
