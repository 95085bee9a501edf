import type { Throughput } from '../../contract/fleet-load.ts';
import { pause } from '../fleet/pause.ts';
import { measureBrokers } from './bare-broker.ts';
import { LoadFleet } from './load-fleet.ts';
import { payloadFrom } from './payloads.ts';
import type { TestBed } from './test-bed.ts';
import { throttle } from './throttle.ts';

/** Until rows and connections of all robots are there, and code is compiled. */
const WARM_UP_MS = 3_000;
const DRAIN_LIMIT_MS = 60_000;
const LOOK_MS = 100;
/** As many as an ingestor keeps before it makes brokers wait. */
const WINDOW_PER_INGESTOR = 10_000;
/** Robots whose payloads go into the bare database. */
const SAMPLE_ROBOTS = 1_000;
const MAX_BARE_SECONDS = 5;

export interface ThroughputOptions {
  readonly robots: number;
  readonly perSecond: number | null;
  readonly seconds: number;
  readonly ingestorCpu: number | null;
  /** whether broker and database are measured alone, too */
  readonly isBareMeasured: boolean;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What was measured, and what was sent. */
export interface ThroughputOutcome {
  readonly throughput: Throughput;
  readonly producedLog: string;
  readonly isSettled: boolean;
}

/** Sends as much as is acknowledged, or at a rate, and counts what becomes of it. */
export async function runThroughput(bed: TestBed, options: ThroughputOptions): Promise<ThroughputOutcome> {
  const { robots, perSecond, seed, say, signal, isBareMeasured } = options;
  const window = WINDOW_PER_INGESTOR * bed.ingestors.length;
  const bareSeconds = Math.min(MAX_BARE_SECONDS, options.seconds);
  const load = { robots, urls: bed.urls, window, perSecond, seed };
  const bareBrokerPerSecond = isBareMeasured
    ? await measureBrokers({ ...load, perSecond: null }, bareSeconds, signal)
    : null;
  if (bareBrokerPerSecond !== null) say(`brokers alone: ${Math.round(bareBrokerPerSecond)} messages/s`);
  await bed.startIngestors(signal);
  const fleet = new LoadFleet(load);
  try {
    await fleet.start();
    const measured = await measure(bed, fleet, options);
    const isSettled = await drain(fleet, signal);
    const bareCopyPerSecond = isBareMeasured ? await measureCopy(bed, fleet, bareSeconds) : null;
    if (bareCopyPerSecond !== null) say(`database alone: ${Math.round(bareCopyPerSecond)} rows/s by COPY`);
    return {
      throughput: { ...measured, window, bareBrokerPerSecond, bareCopyPerSecond },
      producedLog: fleet.producedLog(),
      isSettled,
    };
  } finally {
    fleet.close();
  }
}

type Measured = Omit<Throughput, 'window' | 'bareBrokerPerSecond' | 'bareCopyPerSecond'>;

async function measure(bed: TestBed, fleet: LoadFleet, options: ThroughputOptions): Promise<Measured> {
  const { perSecond, ingestorCpu, signal, seconds: asked } = options;
  const release = ingestorCpu === null ? null : throttle(bed.ingestors, ingestorCpu);
  try {
    await pause(WARM_UP_MS, signal);
    fleet.ackMs.reset();
    const before = { published: fleet.published, acknowledged: fleet.acknowledged, resent: fleet.resent };
    const sizes = await bed.database.sizes();
    const times = bed.cpuTimes();
    const startedAt = performance.now();
    await pause(asked * 1_000, signal);
    const seconds = (performance.now() - startedAt) / 1_000;
    const published = fleet.published - before.published;
    const acknowledged = fleet.acknowledged - before.acknowledged;
    const grown = await bed.database.sizes();
    const perMessage = (after: number, start: number): number | null =>
      acknowledged === 0 ? null : (after - start) / acknowledged;
    const processes = bed.usage(times, seconds, acknowledged);
    return {
      askedPerSecond: perSecond,
      ingestorCpu,
      payloadBytes: fleet.payloadBytes,
      seconds,
      published,
      acknowledged,
      resent: fleet.resent - before.resent,
      publishedPerSecond: published / seconds,
      acknowledgedPerSecond: acknowledged / seconds,
      databaseBytesPerMessage: perMessage(grown.bytes, sizes.bytes),
      walBytesPerMessage: perMessage(grown.walBytes, sizes.walBytes),
      ackMs: fleet.ackMs.summary(),
      processes,
      busiest: processes.reduce((a, b) => (b.cpuRatio > a.cpuRatio ? b : a)).name,
    };
  } finally {
    release?.();
  }
}

/** @returns whether everything was acknowledged in time */
async function drain(fleet: LoadFleet, signal: AbortSignal): Promise<boolean> {
  fleet.quiet();
  const end = performance.now() + DRAIN_LIMIT_MS;
  while (fleet.waiting > 0 && performance.now() < end) await pause(LOOK_MS, signal);
  return fleet.waiting === 0;
}

function measureCopy(bed: TestBed, fleet: LoadFleet, seconds: number): Promise<number> {
  const timestamp = new Date().toISOString();
  const payloads = fleet.templates(SAMPLE_ROBOTS).map((template, at) => payloadFrom(template, at, timestamp));
  return bed.database.copyRate(payloads, seconds);
}
