import type { FleetLoadReport } from '../../contract/fleet-load.ts';
import { pause } from '../fleet/pause.ts';
import { peakBytesOf } from '../fleet/processes.ts';
import { ReturnRobot } from './return-robot.ts';
import type { TestBed } from './test-bed.ts';

/** Robots that connect at the same moment before anything is measured. */
const CONNECT_AT_ONCE = 200;
const LOOK_MS = 100;
const AWAY_MS = 2_000;
const LIMIT_MS = 180_000;
/** A count of known robots that does not grow for so long is final. */
const STILL_MS = 3_000;

export interface ReturnOptions {
  readonly robots: number;
  /** divides the pauses of robots */
  readonly haste: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

type Returned = NonNullable<FleetLoadReport['returned']>;

/** What was measured, and what was sent. */
export interface ReturnOutcome {
  readonly returned: Returned;
  readonly producedLog: string;
  readonly isSettled: boolean;
}

/** All brokers are killed and come back: how long until all robots are there again, and then a new ingestor. */
export async function runReturn(bed: TestBed, options: ReturnOptions): Promise<ReturnOutcome> {
  const { robots: count, haste, seed, say, signal } = options;
  await bed.startIngestors(signal);
  const crowd = new Crowd(count, { urls: bed.urls, haste, seed });
  try {
    await crowd.gather(signal);
    say(`${count} robots are connected`);
    const { robots } = crowd;
    const isGathered = await until(() => robots.every(({ isLive }) => isLive), signal);
    const storm = await comeBack(bed, crowd, options);
    const retained = await subscribeAnew(bed, crowd, signal);
    return {
      returned: { ...storm, retained },
      producedLog: robots.map(({ origin, states }) => `state ${origin.bootId} ${states - 1}\n`).join(''),
      isSettled: isGathered && robots.every(({ isLive }) => isLive),
    };
  } finally {
    crowd.close();
  }
}

/** Robots, and what was counted of them. */
class Crowd {
  readonly robots: readonly ReturnRobot[];
  failed = 0;
  /** seconds, of the monotonic clock */
  connectedAt: number[] = [];
  liveAt: number[] = [];

  constructor(
    count: number,
    {
      urls,
      haste,
      seed,
    }: { readonly urls: readonly string[]; readonly haste: number; readonly seed: number },
  ) {
    const now = (): number => performance.now() / 1_000;
    const events = {
      onConnected: () => this.connectedAt.push(now()),
      onFailed: () => (this.failed += 1),
      onLive: () => this.liveAt.push(now()),
    };
    this.robots = Array.from(
      { length: count },
      (_, at) => new ReturnRobot(`r${at}`, { urls, haste, seed: seed + at }, events),
    );
  }

  /** Connects all, some at a time. */
  async gather(signal: AbortSignal): Promise<void> {
    for (let at = 0; at < this.robots.length; at += CONNECT_AT_ONCE) {
      const some = this.robots.slice(at, at + CONNECT_AT_ONCE);
      for (const robot of some) robot.connect();
      await until(() => some.every(({ isConnected }) => isConnected), signal);
    }
  }

  forget(): void {
    this.failed = 0;
    this.connectedAt = [];
    this.liveAt = [];
  }

  close(): void {
    for (const robot of this.robots) robot.close();
  }
}

async function comeBack(
  bed: TestBed,
  crowd: Crowd,
  { haste, say, signal }: ReturnOptions,
): Promise<Omit<Returned, 'retained'>> {
  await Promise.all(bed.brokers.map((broker) => broker.kill()));
  crowd.forget();
  await pause(AWAY_MS, signal);
  for (const broker of bed.brokers) broker.restart();
  const startedAt = performance.now() / 1_000;
  await until(() => crowd.liveAt.length >= crowd.robots.length, signal);
  const secondsOf = (times: readonly number[]): number => Math.max(0, ...times.map((at) => at - startedAt));
  const secondsToLive = secondsOf(crowd.liveAt);
  say(`all are back after ${secondsToLive.toFixed(1)} s`);
  return {
    haste,
    awaySeconds: AWAY_MS / 1_000,
    secondsToConnect: secondsOf(crowd.connectedAt),
    secondsToLive,
    peakConnectsPerSecond: peakPerSecond(crowd.connectedAt),
    failedAttempts: crowd.failed,
    ingestorPeakBytes: highestOf(bed.ingestors),
    brokerPeakBytes: highestOf(bed.brokers),
  };
}

/** The first ingestor is killed, and another one takes its place. */
async function subscribeAnew(bed: TestBed, crowd: Crowd, signal: AbortSignal): Promise<Returned['retained']> {
  const [ingestor] = bed.ingestors;
  await ingestor?.kill();
  await ingestor?.start();
  const startedAt = performance.now();
  let known = 0;
  let grewAt = startedAt;
  while (known < crowd.robots.length && performance.now() - grewAt < STILL_MS) {
    const now = await knownTo(ingestor?.url ?? '');
    if (now > known) grewAt = performance.now();
    known = Math.max(known, now);
    await pause(LOOK_MS, signal);
  }
  return {
    births: crowd.robots.length,
    known,
    seconds: (grewAt - startedAt) / 1_000,
    ingestorPeakBytes: highestOf(ingestor === undefined ? [] : [ingestor]),
  };
}

/** Robots that an ingestor knows to be connected. */
async function knownTo(url: string): Promise<number> {
  const answer = await fetch(`${url}/metrics`);
  return Number(/^goshawk_fleet_detectors_connected (\d+)/m.exec(await answer.text())?.[1] ?? 0);
}

function highestOf(parts: readonly { readonly pid: number | null }[]): number | null {
  const all = parts.flatMap(({ pid }) => (pid === null ? [] : [peakBytesOf(pid) ?? 0]));
  return all.length === 0 ? null : Math.max(...all);
}

/** Times in the second with the most of them. */
function peakPerSecond(times: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const at of times) counts.set(Math.floor(at), (counts.get(Math.floor(at)) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** @returns whether it became true in time; rejects with the reason of the signal */
async function until(isTrue: () => boolean, signal: AbortSignal): Promise<boolean> {
  const end = performance.now() + LIMIT_MS;
  while (!isTrue() && performance.now() < end) await pause(LOOK_MS, signal);
  return isTrue();
}
