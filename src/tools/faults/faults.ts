import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  FAULT_KINDS,
  type FaultKind,
  type FleetFaultsReport,
  type Weakness,
} from '../../contract/fleet-faults.ts';
import type { StoredNumbers } from '../../core/ledger/stored-numbers.ts';
import { createRandom, type Random } from '../../core/random.ts';
import { freePort } from '../../platform/free-port.ts';
import { accountFor } from '../fleet/account.ts';
import { MosquittoProcess } from '../fleet/mosquitto.ts';
import { BETWEEN_FAULTS_MS, DOWN_MS, pause } from '../fleet/pause.ts';
import { ServeProcess } from '../fleet/serve-process.ts';
import { launchersFor, moveAside, type CoreLaunchers } from './cores.ts';
import { frameLatency } from './frames.ts';
import { FaultNetwork } from './network.ts';
import { planPhases, type FaultPhase, type PhaseKind, type PhaseSpan } from './phases.ts';
import { PowerCut } from './power-cut.ts';
import { FaultRobot } from './robot.ts';

const DAY_MS = 86_400_000;
const LOOK_MS = 500;
const MAX_SEED = 0xffff_ffff;
const ANYWHERE: CoreLaunchers = { robot: [], fleet: [], move: [] };
/** For the first message to be stored: a machine may be slow, and a fleet that stores nothing is not worth breaking. */
const FIRST_MESSAGE_LIMIT_MS = 60_000;
/** For a database that recovers: messages that are acknowledged early settle before it is there again. */
const RECOVERY_LIMIT_MS = 60_000;
/** Messages of a broker that was wiped are sent again after 15 s, or later if that fails. */
const SETTLE_LIMIT_MS = 180_000;

export interface FaultOptions {
  readonly seed: number;
  readonly faults: number;
  readonly weakened: Weakness | null;
  /** that the robot runs the frame path with, such as `sim`; null for none */
  readonly camera: string | null;
  /** whether the robot's process goes on: its latency is then not that of starts */
  readonly keepsRobot: boolean;
  /** without faults, in all, for the latency of frames; with a camera only */
  readonly calmSeconds: number;
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
  /** its data */
  dataOf(folder: string): string;
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
  'fleet-power-cut': 'fleet',
};

const ENDS_OF_ROBOT: readonly FaultKind[] = ['robot-kill', 'robot-power-cut'];

/** What was begun by the phase before is over after this. */
const BETWEEN_PHASES_MS = 3_000;

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
  /** of which fault comes when */
  readonly #random: Random;
  readonly #store: string;
  readonly #broker: MosquittoProcess;
  readonly #near: FaultNetwork;
  readonly #far: FaultNetwork;
  readonly #ingestor: ServeProcess;
  readonly #robot: FaultRobot;
  readonly #decks: Readonly<Record<PhaseKind, FaultKind[]>> = { calm: [], faults: [], control: [] };
  readonly #counts: Partial<Record<FaultKind, number>> = {};
  readonly #running = new Map<FaultPart, Promise<void>>();
  readonly #powerCut: PowerCut | null;

  private constructor(
    options: FaultOptions,
    ports: FaultPorts,
    broker: MosquittoProcess,
    near: FaultNetwork,
    far: FaultNetwork,
    powerCut: PowerCut | null,
    launchers: CoreLaunchers,
  ) {
    const { seed, folder, cli, weakened, camera } = options;
    this.#options = options;
    this.#ports = ports;
    this.#random = createRandom(seed);
    this.#store = join(folder, 'fleet');
    this.#broker = broker;
    this.#near = near;
    this.#far = far;
    const serve = [cli, 'fleet', 'serve', '--mqtt', far.url, '--folder', this.#store, '--port', '0'];
    this.#powerCut = powerCut;
    const preload = Object.entries(powerCut?.env ?? {}).flatMap(([name, value]) => [
      '--postgres-env',
      `${name}=${value}`,
    ]);
    const all = [...serve, ...preload, ...(weakened === 'early-acks' ? ['--early-acks'] : [])];
    this.#ingestor = new ServeProcess(all, {}, launchers.fleet);
    this.#robot = new FaultRobot(folder, near.url, weakened !== 'no-sync', camera, launchers.robot);
  }

  static async start(options: FaultOptions, ports: FaultPorts): Promise<FaultBench> {
    const port = await freePort();
    const folder = join(options.folder, 'broker');
    mkdirSync(folder);
    // frames are measured as if the robot were a machine of its own
    const launchers = options.camera === null ? ANYWHERE : launchersFor();
    await moveAside(launchers);
    const broker = new MosquittoProcess(folder, port, ['autosave_interval 1'], launchers.fleet);
    const [near, far] = [await FaultNetwork.listen(port), await FaultNetwork.listen(port)];
    const powerCut = await PowerCut.prepare(join(options.folder, 'power'), options.weakened === 'lying-disk');
    if (powerCut === null) options.say('no power cut of the database: there is no C compiler (cc)');
    return new FaultBench(options, ports, broker, near, far, powerCut, launchers);
  }

  async run(): Promise<FleetFaultsReport> {
    const { seed, faults, weakened, say, camera } = this.#options;
    const startedAt = new Date();
    await Promise.race([this.#ingestor.start(), this.#untilAborted()]);
    say(`the fleet's end is ready; ${faults} faults follow`);
    if (camera !== null) await Promise.race([this.#robot.hasFrames, this.#untilAborted()]);
    await this.#untilDelivered();
    const spans: PhaseSpan[] = [];
    for (const phase of this.#phases()) spans.push(await this.#runPhase(phase));
    const isSettled = await this.#settle();
    const rows = await this.#storedNumbers();
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
      frames: camera === null ? null : frameLatency(this.#robot.frames, spans),
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

  #phases(): readonly FaultPhase[] {
    const { faults, camera, calmSeconds, keepsRobot } = this.#options;
    if (camera === null) return planPhases({ faults, calmSeconds: 0, hasControl: false });
    return planPhases({ faults, calmSeconds, hasControl: keepsRobot });
  }

  async #runPhase({ kind, seconds, faults }: FaultPhase): Promise<PhaseSpan> {
    const { camera, signal, say } = this.#options;
    if (kind === 'control') await this.#robot.setTelemetry(false);
    if (camera !== null) {
      say(
        kind === 'faults'
          ? 'faults'
          : kind === 'calm'
            ? `${seconds} s without faults`
            : 'faults without telemetry',
      );
      await pause(BETWEEN_PHASES_MS, signal);
    }
    const from = Date.now();
    if (kind === 'calm') await pause(seconds * 1_000, signal);
    else await this.#breakSome(faults, kind);
    const to = Date.now();
    if (kind === 'control') await this.#robot.setTelemetry(true);
    return { kind, from, to };
  }

  async #breakSome(faults: number, phase: PhaseKind): Promise<void> {
    for (let number = 1; number <= faults; number += 1) {
      await this.#pause(BETWEEN_FAULTS_MS, this.#random);
      const kind = this.#nextKind(phase);
      // of its own: faults run at once, and when one draws must not change what the next ones are
      const random = createRandom(this.#random.int(0, MAX_SEED));
      await this.#running.get(PARTS[kind]);
      this.#note(kind, phase);
      const work = this.#break(kind, random);
      // reported where it is awaited
      work.catch(() => undefined);
      this.#running.set(PARTS[kind], work);
    }
    await Promise.all(this.#running.values());
  }

  #note(kind: FaultKind, phase: PhaseKind): void {
    const { faults, say } = this.#options;
    if (phase === 'control') {
      say(kind);
      return;
    }
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    const number = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    say(`${number}/${faults} ${kind}`);
  }

  /** Every kind comes once before any comes again. */
  #nextKind(phase: PhaseKind): FaultKind {
    const deck = this.#decks[phase];
    if (deck.length === 0) deck.push(...FAULT_KINDS.filter((kind) => this.#isPossible(kind, phase)));
    const [kind] = deck.splice(this.#random.int(0, deck.length - 1), 1);
    if (kind === undefined) throw new Error('there are no kinds of faults');
    return kind;
  }

  #isPossible(kind: FaultKind, phase: PhaseKind): boolean {
    if (kind === 'fleet-power-cut') return this.#powerCut !== null;
    if (phase === 'control' && PARTS[kind] === 'robot') return false;
    return !(this.#options.keepsRobot && ENDS_OF_ROBOT.includes(kind));
  }

  async #break(kind: FaultKind, random: Random): Promise<void> {
    switch (kind) {
      case 'robot-kill':
      case 'robot-power-cut':
        await (kind === 'robot-kill' ? this.#robot.kill() : this.#robot.cutPower());
        await this.#down(random);
        this.#robot.restart();
        return;
      case 'robot-disk-full':
        this.#robot.tell({ type: 'disk', isFull: true });
        await this.#down(random);
        this.#robot.tell({ type: 'disk', isFull: false });
        return;
      case 'robot-clock':
        this.#robot.tell({ type: 'clock', stepMs: random.chance(0.5) ? DAY_MS : -DAY_MS });
        return;
      case 'network-cut':
        return this.#disturb(random, (network) => network.cut());
      case 'network-delay': {
        const ms = random.range(100, 1_000);
        return this.#disturb(random, (network) => network.delay(ms));
      }
      case 'broker-kill':
      case 'broker-wipe':
        await this.#broker.kill();
        if (kind === 'broker-wipe') this.#broker.wipe();
        await this.#down(random);
        this.#broker.restart();
        return;
      case 'ingestor-kill':
        await this.#ingestor.kill();
        await this.#down(random);
        if (!this.#options.signal.aborted) await this.#ingestor.start();
        return;
      case 'database-kill': {
        const pid = await this.#ports.databasePid(this.#store);
        if (pid !== null) killIfThere(pid);
        await this.#down(random);
        return;
      }
      case 'fleet-power-cut':
        await this.#cutFleet();
        await this.#down(random);
        if (!this.#options.signal.aborted) await this.#ingestor.start();
    }
  }

  /** The machine of the fleet's end: its processes end at once, and what its disk had not synced is gone. */
  async #cutFleet(): Promise<void> {
    await this.#ingestor.kill();
    await this.#powerCut?.cut(this.#ports.dataOf(this.#store));
  }

  async #disturb(random: Random, how: (network: FaultNetwork) => void): Promise<void> {
    const network = random.chance(0.5) ? this.#near : this.#far;
    how(network);
    await this.#down(random);
    network.restore();
  }

  /** How long something stays broken; an interruption ends it too. */
  async #down(random: Random): Promise<void> {
    await this.#pause(DOWN_MS, random).catch(() => undefined);
  }

  #pause([low, high]: readonly [number, number], random: Random): Promise<void> {
    return pause(random.range(low, high), this.#options.signal);
  }

  /** Faults then meet a fleet that has something to lose. */
  async #untilDelivered(): Promise<void> {
    const end = performance.now() + FIRST_MESSAGE_LIMIT_MS;
    while (!this.#robot.hasDelivered && performance.now() < end) await pause(LOOK_MS, this.#options.signal);
  }

  /** @returns whether everything was acknowledged in time */
  async #settle(): Promise<boolean> {
    const { say } = this.#options;
    this.#robot.tell({ type: 'quiet' });
    const end = performance.now() + SETTLE_LIMIT_MS;
    let saidAt = 0;
    // Its counts come once a second.
    await pause(2_500, this.#options.signal);
    while (performance.now() < end) {
      if (this.#robot.waiting === 0) return true;
      if (performance.now() - saidAt > 5_000) {
        saidAt = performance.now();
        say(`settling: ${this.#robot.waiting ?? 'an unknown number of'} messages wait`);
      }
      await pause(LOOK_MS, this.#options.signal);
    }
    if (!this.#robot.isRunning) say(`the robot's process ended:\n${this.#robot.output}`);
    return false;
  }

  async #storedNumbers(): Promise<readonly StoredNumbers[]> {
    const end = performance.now() + RECOVERY_LIMIT_MS;
    for (;;) {
      try {
        return await this.#ports.storedNumbers(this.#store);
      } catch (error) {
        if (performance.now() > end) throw error;
        await pause(LOOK_MS, this.#options.signal);
      }
    }
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
