import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessUsage } from '../../contract/fleet-load.ts';
import type { StoredNumbers } from '../../core/ledger/stored-numbers.ts';
import { freePort } from '../../platform/free-port.ts';
import { MosquittoProcess } from '../fleet/mosquitto.ts';
import { cpuSecondsOf, cpuSecondsOfFamily, peakBytesOf } from '../fleet/processes.ts';
import { ServeProcess } from '../fleet/serve-process.ts';

/** Bounds of the broker that `scripts/fleet/make-broker` makes. */
export function shippedBounds(): readonly string[] {
  const file = new URL('../../../scripts/fleet/mosquitto.conf', import.meta.url);
  return readFileSync(file, 'utf8').match(/^(max_|autosave_).*$/gm) ?? [];
}

/** A real PostgreSQL for the run, which the ports make. */
export interface LoadDatabase {
  /** without a password */
  readonly url: string;
  /** with the password, for those who connect */
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number | null;
  storedNumbers(): Promise<readonly StoredNumbers[]>;
  /** of all its tables and indexes, and of what was ever written to its log */
  sizes(): Promise<{ readonly bytes: number; readonly walBytes: number }>;
  /** Rows per second of these payloads by COPY, each transaction as large as an ingestor's. */
  copyRate(payloads: readonly string[], seconds: number): Promise<number>;
  stop(): Promise<void>;
}

export interface LoadPorts {
  /** @param folder empty; of the database */
  startDatabase(folder: string, signal: AbortSignal): Promise<LoadDatabase>;
}

export interface TestBedOptions {
  readonly brokers: number;
  readonly ingestors: number;
  /** ingestors acknowledge before the commit; for checks that must find what is lost then */
  readonly areAcksEarly: boolean;
  /** empty; passable for the user of PostgreSQL */
  readonly folder: string;
  /** entry of the program */
  readonly cli: string;
  readonly signal: AbortSignal;
}

/** CPU seconds by the name of a process. */
type CpuTimes = ReadonlyMap<string, number>;

/** Brokers, ingestors and their database, each a process. */
export class TestBed {
  readonly brokers: readonly MosquittoProcess[];
  readonly ingestors: readonly ServeProcess[];
  readonly database: LoadDatabase;

  private constructor(
    brokers: readonly MosquittoProcess[],
    ingestors: readonly ServeProcess[],
    database: LoadDatabase,
  ) {
    this.brokers = brokers;
    this.ingestors = ingestors;
    this.database = database;
  }

  /** Everything runs when this resolves, but ingestors. Rejects with the reason of the signal. */
  static async start(options: TestBedOptions, ports: LoadPorts): Promise<TestBed> {
    const { folder, signal } = options;
    const bounds = shippedBounds();
    const database = await ports.startDatabase(join(folder, 'fleet'), signal);
    const brokers: MosquittoProcess[] = [];
    try {
      for (let number = 1; number <= options.brokers; number += 1) {
        const home = join(folder, `broker-${number}`);
        mkdirSync(home);
        brokers.push(new MosquittoProcess(home, await freePort(), bounds));
      }
      for (const broker of brokers) await broker.untilReady();
      signal.throwIfAborted();
      return new TestBed(brokers, ingestorsOf(options, brokers, database), database);
    } catch (error) {
      await Promise.all(brokers.map((broker) => broker.kill()));
      await database.stop();
      throw error;
    }
  }

  get urls(): readonly string[] {
    return this.brokers.map(({ url }) => url);
  }

  async startIngestors(signal: AbortSignal): Promise<void> {
    for (const ingestor of this.ingestors) {
      signal.throwIfAborted();
      await ingestor.start();
    }
  }

  /** CPU of all processes so far, this one included. */
  cpuTimes(): CpuTimes {
    const { user, system } = process.cpuUsage();
    const times = new Map([['client', (user + system) / 1e6]]);
    for (const [name, pid] of this.#pids()) times.set(name, cpuSecondsOf(pid));
    const { pid } = this.database;
    if (pid !== null) times.set('database', cpuSecondsOfFamily(pid));
    return times;
  }

  /** What each process used since `before`. */
  usage(before: CpuTimes, seconds: number, messages: number): ProcessUsage[] {
    const pids = new Map([['client', process.pid], ...this.#pids()]);
    return [...this.cpuTimes()].map(([name, time]) => {
      const cpuSeconds = Math.max(0, time - (before.get(name) ?? 0));
      const pid = pids.get(name);
      return {
        name,
        cpuSeconds,
        cpuRatio: cpuSeconds / seconds,
        cpuMicrosecondsPerMessage: messages === 0 ? null : (cpuSeconds / messages) * 1e6,
        peakResidentBytes: pid === undefined ? null : peakBytesOf(pid),
      };
    });
  }

  /** Ends everything, also what is half started. */
  async close(): Promise<void> {
    await Promise.all(this.ingestors.map((ingestor) => ingestor.stop()));
    await Promise.all(this.brokers.map((broker) => broker.kill()));
    await this.database.stop();
  }

  #pids(): readonly (readonly [string, number])[] {
    const named = (name: string, parts: readonly { readonly pid: number | null }[]): [string, number][] =>
      parts.flatMap(({ pid }, at) => (pid === null ? [] : [[`${name} ${at + 1}`, pid]]));
    return [...named('broker', this.brokers), ...named('ingestor', this.ingestors)];
  }
}

function ingestorsOf(
  { cli, ingestors, areAcksEarly }: TestBedOptions,
  brokers: readonly MosquittoProcess[],
  { url, env }: LoadDatabase,
): ServeProcess[] {
  const urls = brokers.flatMap((broker) => ['--mqtt', broker.url]);
  const args = [cli, 'fleet', 'serve', ...urls, '--database', url, '--port', '0'];
  if (areAcksEarly) args.push('--early-acks');
  return Array.from({ length: ingestors }, () => new ServeProcess(args, env));
}
