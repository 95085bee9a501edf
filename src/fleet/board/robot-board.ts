import type { ConnectionState } from '../presence/presence.ts';
import type { Database } from '../store/database.ts';
import { countSenders, readLatest, type LatestRow } from '../store/read-latest.ts';
import { summarizeRobot, type RobotState } from './summarize.ts';

/** What is older is read again. */
const FRESH_MS = 1_000;
/** Transactions become visible in another order than that of their times. */
const OVERLAP_MS = 2_000;

/** For so long nothing is said anew of a robot of which nothing came: silence and ages are seen a little later. */
const SAME_MS = 5_000;

/** What is known of connections. */
export interface Connections {
  stateOf(site: string, robot: string, node: string): ConnectionState | null;
}

interface Entry {
  /** by id */
  readonly detectors: Map<number, LatestRow>;
  /** what was said of it last; null since something came */
  made: {
    readonly atMs: number;
    readonly connections: readonly (ConnectionState | null)[];
    readonly state: RobotState;
  } | null;
}

/**
 * All robots as they are now, in memory: a question about thousands of them costs the database only what changed since
 * the last one. About 1 kB each.
 */
export class RobotBoard {
  readonly #database: Database;
  readonly #connections: Connections;
  /** by `SITE/ROBOT` */
  readonly #entries = new Map<string, Entry>();
  #count = 0;
  #newestMs = 0;
  #robots: ReadonlyMap<string, RobotState> = new Map();
  #madeAtMs = -Infinity;
  #work: Promise<void> | null = null;

  constructor(database: Database, connections: Connections) {
    this.#database = database;
    this.#connections = connections;
  }

  /** Every robot, as it was a second ago at most. Throws as `Database.query` does. */
  async all(now: Date): Promise<readonly RobotState[]> {
    await this.#refresh(now);
    return [...this.#robots.values()];
  }

  /** One robot; null if it never sent anything. Throws as `Database.query` does. */
  async one(site: string, robot: string, now: Date): Promise<RobotState | null> {
    await this.#refresh(now);
    return this.#robots.get(`${site}/${robot}`) ?? null;
  }

  async #refresh(now: Date): Promise<void> {
    // a robot that was deleted, or is new, and may not be written yet
    const isSame = (await countSenders(this.#database)) === this.#count;
    if (isSame && Math.abs(now.getTime() - this.#madeAtMs) < FRESH_MS) return;
    this.#work ??= this.#read(now, isSame).finally(() => (this.#work = null));
    await this.#work;
  }

  async #read(now: Date, isSame: boolean): Promise<void> {
    if (!isSame) this.#forget();
    const rows = await readLatest(this.#database, this.#newestMs === 0 ? 0 : this.#newestMs - OVERLAP_MS);
    for (const row of rows) this.#take(row);
    const robots = new Map<string, RobotState>();
    for (const [name, entry] of this.#entries) robots.set(name, this.#stateOf(entry, now.getTime()));
    this.#robots = robots;
    this.#madeAtMs = now.getTime();
  }

  #forget(): void {
    this.#entries.clear();
    this.#count = 0;
    this.#newestMs = 0;
  }

  #take(row: LatestRow): void {
    const name = `${row.site}/${row.robot}`;
    const entry = this.#entries.get(name) ?? { detectors: new Map<number, LatestRow>(), made: null };
    this.#entries.set(name, entry);
    if (!entry.detectors.has(row.id)) this.#count += 1;
    entry.detectors.set(row.id, row);
    entry.made = null;
    this.#newestMs = Math.max(this.#newestMs, row.updatedMs);
  }

  #stateOf(entry: Entry, nowMs: number): RobotState {
    const rows = [...entry.detectors.values()];
    const connections = rows.map(({ site, robot, node }) => this.#connections.stateOf(site, robot, node));
    const { made } = entry;
    const isSame =
      made !== null && made.connections.every((connection, at) => connection === connections[at]);
    if (isSame && Math.abs(nowMs - made.atMs) < SAME_MS) return made.state;
    const known = rows.map((row, at) => ({ ...row, connection: connections[at] ?? null }));
    known.sort((one, other) => (one.node < other.node ? -1 : 1));
    const state = summarizeRobot(known, nowMs);
    entry.made = { atMs: nowMs, connections, state };
    return state;
  }
}
