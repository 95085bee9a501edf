import type { FleetLoadReport, KILLED_PARTS } from '../../contract/fleet-load.ts';
import { createRandom } from '../../core/random.ts';
import { BETWEEN_FAULTS_MS, DOWN_MS, pause } from '../fleet/pause.ts';
import { SenderRobot } from './sender-robot.ts';
import type { TestBed } from './test-bed.ts';

const PRODUCE_MS = 500;
/** Counts of a sender come once in a while. */
const LOOK_MS = 500;
const SETTLE_LIMIT_MS = 120_000;

export interface KillOptions {
  readonly robots: number;
  readonly kills: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

type Kills = NonNullable<FleetLoadReport['kills']>;

/** What was done, and what was sent. */
export interface KillOutcome {
  readonly kills: Kills;
  readonly producedLog: string;
  readonly isSettled: boolean;
}

/** A part that can be killed, and started again. */
interface Victim {
  readonly kind: (typeof KILLED_PARTS)[number];
  readonly name: string;
  kill(): Promise<void>;
  restart(): Promise<void> | void;
  /** its last kill, until it runs again */
  work: Promise<void>;
}

/** Kills brokers and ingestors at random while real senders publish, starts them again, and lets all settle. */
export async function runKills(bed: TestBed, options: KillOptions): Promise<KillOutcome> {
  const { robots: count, seed, say, signal } = options;
  await bed.startIngestors(signal);
  const robots = Array.from({ length: count }, (_, at) => new SenderRobot(`r${at}`, bed.urls, seed + at));
  for (const robot of robots) await robot.start();
  const timer = setInterval(() => {
    for (const robot of robots) robot.produce();
  }, PRODUCE_MS);
  try {
    const killsByPart = await killAll(bed, options);
    clearInterval(timer);
    say('settling');
    const isSettled = await settle(robots, signal);
    const failovers = robots.reduce((sum, robot) => sum + robot.failovers, 0);
    return {
      kills: { seed, kills: options.kills, killsByPart, failovers },
      producedLog: robots.map((robot) => robot.producedLog()).join(''),
      isSettled,
    };
  } finally {
    clearInterval(timer);
    await Promise.all(robots.map((robot) => robot.close()));
  }
}

async function killAll(
  bed: TestBed,
  { kills, seed, say, signal }: KillOptions,
): Promise<Kills['killsByPart']> {
  const random = createRandom(seed);
  const victims = victimsOf(bed);
  const counts: Kills['killsByPart'] = {};
  try {
    for (let number = 1; number <= kills; number += 1) {
      await pause(random.range(...BETWEEN_FAULTS_MS), signal);
      const victim = victims[random.int(0, victims.length - 1)];
      if (victim === undefined) break;
      await victim.work;
      say(`${number}/${kills} ${victim.name}`);
      counts[victim.kind] = (counts[victim.kind] ?? 0) + 1;
      const downMs = random.range(...DOWN_MS);
      victim.work = killOnce(victim, downMs, signal);
      // reported where it is awaited
      victim.work.catch(() => undefined);
    }
  } finally {
    // what is being started again must be there before it can be ended
    await Promise.all(victims.map(({ work }) => work));
  }
  return counts;
}

function victimsOf({ brokers, ingestors }: TestBed): Victim[] {
  const ofBrokers = brokers.map((broker, at) => ({
    kind: 'broker' as const,
    name: `broker ${at + 1}`,
    kill: () => broker.kill(),
    restart: () => broker.restart(),
    work: Promise.resolve(),
  }));
  const ofIngestors = ingestors.map((ingestor, at) => ({
    kind: 'ingestor' as const,
    name: `ingestor ${at + 1}`,
    kill: () => ingestor.kill(),
    restart: () => ingestor.start(),
    work: Promise.resolve(),
  }));
  return [...ofBrokers, ...ofIngestors];
}

async function killOnce(victim: Victim, downMs: number, signal: AbortSignal): Promise<void> {
  await victim.kill();
  // an interruption ends the pause too
  await pause(downMs, signal).catch(() => undefined);
  if (!signal.aborted) await victim.restart();
}

/** @returns whether everything was acknowledged in time */
async function settle(robots: readonly SenderRobot[], signal: AbortSignal): Promise<boolean> {
  const end = performance.now() + SETTLE_LIMIT_MS;
  const waiting = (): number => robots.reduce((sum, robot) => sum + robot.waiting, 0);
  do await pause(LOOK_MS, signal);
  while (waiting() > 0 && performance.now() < end);
  return waiting() === 0;
}
