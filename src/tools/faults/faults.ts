import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FAULT_KINDS,
  type FaultKind,
  type FleetFaultsReport,
  type Weakness,
} from '../../contract/fleet-faults.ts';
import type { StoredNumbers } from '../../core/ledger/stored-numbers.ts';
import { createRandom, type Random } from '../../core/random.ts';
import { freePort } from '../../platform/free-port.ts';
import { accountFor } from './account.ts';
import { FaultBroker } from './broker.ts';
import { FaultIngestor } from './ingestor.ts';
import { FaultNetwork } from './network.ts';
import { FaultRobot } from './robot.ts';

const DAY_MS = 86_400_000;
const LOOK_MS = 500;
/** Messages of a broker that was wiped are sent again after 15 s, or later if that fails. */
const SETTLE_LIMIT_MS = 180_000;
const BETWEEN_MS = [200, 1_500] as const;
const DOWN_MS = [100, 1_500] as const;

export interface FaultOptions {
  readonly seed: number;
  readonly faults: number;
  readonly weakened: Weakness | null;
  /** empty; passable for the user of PostgreSQL */
  readonly folder: string;
  /** entry of the program */
  readonly cli: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What is asked of the fleet's end. */
export interface FaultPorts {
  /** of the embedded PostgreSQL; null while it is down */
  databasePid(folder: string): Promise<number | null>;
  storedNumbers(folder: string): Promise<readonly StoredNumbers[]>;
}

/** What is broken: two faults of one part follow each other. */
type FaultPart = 'robot' | 'network' | 'broker' | 'fleet';

const PARTS: Readonly<Record<FaultKind, FaultPart>> = {
  'robot-kill': 'robot',
  'robot-power-cut': 'robot',
  'robot-disk-full': 'robot',
  'robot-clock': 'robot',
  'network-cut': 'network',
  'network-delay': 'network',
  'broker-kill': 'broker',
  'broker-wipe': 'broker',
  'ingestor-kill': 'fleet',
  'database-kill': 'fleet',
};

/**
 * Runs a robot, a broker and the fleet's end, breaks them at random, lets them settle, and checks that everything the
 * robot produced is stored once or declared lost. Rejects with the reason of the signal if that ended it.
 */
export async function runFaults(options: FaultOptions, ports: FaultPorts): Promise<FleetFaultsReport> {
  const bench = await FaultBench.start(options, ports);
  try {
    return await bench.run();
  } finally {
    await bench.close();
  }
}

class FaultBench {
  readonly #options: FaultOptions;
  readonly #ports: FaultPorts;
  readonly #random: Random;
  readonly #store: string;
  readonly #broker: FaultBroker;
  readonly #near: FaultNetwork;
  readonly #far: FaultNetwork;
  readonly #ingestor: FaultIngestor;
  readonly #robot: FaultRobot;
  #deck: FaultKind[] = [];
  readonly #counts: Partial<Record<FaultKind, number>> = {};
  readonly #running = new Map<FaultPart, Promise<void>>();

  private constructor(
    options: FaultOptions,
    ports: FaultPorts,
    broker: FaultBroker,
    near: FaultNetwork,
    far: FaultNetwork,
  ) {
    const { seed, folder, cli, weakened } = options;
    this.#options = options;
    this.#ports = ports;
    this.#random = createRandom(seed);
    this.#store = join(folder, 'fleet');
    this.#broker = broker;
    this.#near = near;
    this.#far = far;
    const serve = [cli, 'fleet', 'serve', '--mqtt', far.url, '--folder', this.#store, '--port', '0'];
    this.#ingestor = new FaultIngestor(weakened === 'early-acks' ? [...serve, '--early-acks'] : serve);
    this.#robot = new FaultRobot(folder, near.url, weakened !== 'no-sync');
  }

  static async start(options: FaultOptions, ports: FaultPorts): Promise<FaultBench> {
    const port = await freePort();
    const folder = join(options.folder, 'broker');
    mkdirSync(folder);
    const broker = new FaultBroker(folder, port);
    const [near, far] = [await FaultNetwork.listen(port), await FaultNetwork.listen(port)];
    return new FaultBench(options, ports, broker, near, far);
  }

  async run(): Promise<FleetFaultsReport> {
    const { seed, faults, weakened, say } = this.#options;
    const startedAt = new Date();
    await Promise.race([this.#ingestor.start(), this.#untilAborted()]);
    say(`the fleet's end is ready; ${faults} faults follow`);
    for (let number = 1; number <= faults; number += 1) {
      await this.#pause(BETWEEN_MS);
      const kind = this.#nextKind();
      await this.#running.get(PARTS[kind]);
      say(`${number}/${faults} ${kind}`);
      this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
      const work = this.#break(kind);
      // reported where it is awaited
      work.catch(() => undefined);
      this.#running.set(PARTS[kind], work);
    }
    await Promise.all(this.#running.values());
    const isSettled = await this.#settle();
    const rows = await this.#ports.storedNumbers(this.#store);
    return {
      schema: 'goshawk.fleet-faults/1',
      startedAt: startedAt.toISOString(),
      seconds: (Date.now() - startedAt.getTime()) / 1000,
      seed,
      weakened,
      faults,
      faultsByKind: this.#counts,
      boots: this.#robot.boots,
      ...accountFor(readFileSync(this.#robot.produced, 'utf8'), rows),
      isSettled,
    };
  }

  async close(): Promise<void> {
    // what is being started again must be there before it can be ended
    await Promise.allSettled(this.#running.values());
    await this.#robot.kill();
    await this.#ingestor.stop();
    await this.#broker.kill();
    this.#near.close();
    this.#far.close();
  }

  /** Every kind comes once before any comes again. */
  #nextKind(): FaultKind {
    if (this.#deck.length === 0) this.#deck = [...FAULT_KINDS];
    const [kind] = this.#deck.splice(this.#random.int(0, this.#deck.length - 1), 1);
    if (kind === undefined) throw new Error('there are no kinds of faults');
    return kind;
  }

  async #break(kind: FaultKind): Promise<void> {
    switch (kind) {
      case 'robot-kill':
      case 'robot-power-cut':
        await (kind === 'robot-kill' ? this.#robot.kill() : this.#robot.cutPower());
        await this.#down();
        this.#robot.restart();
        return;
      case 'robot-disk-full':
        this.#robot.tell('disk full');
        await this.#down();
        this.#robot.tell('disk free');
        return;
      case 'robot-clock':
        this.#robot.tell(`clock ${this.#random.chance(0.5) ? DAY_MS : -DAY_MS}`);
        return;
      case 'network-cut':
        return this.#disturb((network) => network.cut());
      case 'network-delay': {
        const ms = this.#random.range(100, 1_000);
        return this.#disturb((network) => network.delay(ms));
      }
      case 'broker-kill':
      case 'broker-wipe':
        await this.#broker.kill();
        if (kind === 'broker-wipe') this.#broker.wipe();
        await this.#down();
        this.#broker.restart();
        return;
      case 'ingestor-kill':
        await this.#ingestor.kill();
        await this.#down();
        if (!this.#options.signal.aborted) await this.#ingestor.start();
        return;
      case 'database-kill': {
        const pid = await this.#ports.databasePid(this.#store);
        if (pid !== null) killIfThere(pid);
        await this.#down();
      }
    }
  }

  async #disturb(how: (network: FaultNetwork) => void): Promise<void> {
    const network = this.#random.chance(0.5) ? this.#near : this.#far;
    how(network);
    await this.#down();
    network.restore();
  }

  /** How long something stays broken; an interruption ends it too. */
  async #down(): Promise<void> {
    await this.#pause(DOWN_MS).catch(() => undefined);
  }

  #pause([low, high]: readonly [number, number]): Promise<void> {
    return this.#sleep(this.#random.range(low, high));
  }

  /** Rejects with the reason of the signal. */
  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#options;
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  /** @returns whether everything was acknowledged in time */
  async #settle(): Promise<boolean> {
    const { say } = this.#options;
    this.#robot.tell('quiet');
    const end = performance.now() + SETTLE_LIMIT_MS;
    let saidAt = 0;
    // Its counts come once a second.
    await this.#sleep(2_500);
    while (performance.now() < end) {
      if (this.#robot.waiting === 0) return true;
      if (performance.now() - saidAt > 5_000) {
        saidAt = performance.now();
        say(`settling: ${this.#robot.waiting ?? 'an unknown number of'} messages wait`);
      }
      await this.#sleep(LOOK_MS);
    }
    if (!this.#robot.isRunning) say(`the robot's process ended:\n${this.#robot.output}`);
    return false;
  }

  #untilAborted(): Promise<never> {
    const { signal } = this.#options;
    return new Promise((_, reject) => {
      const fail = (): void => reject(signal.reason as Error);
      if (signal.aborted) fail();
      else signal.addEventListener('abort', fail, { once: true });
    });
  }
}

/** The note of a process may be older than its end. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
