import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { OutboxBenchReport } from '../../../contract/bench-outbox.ts';
import type { Host } from '../../../contract/report.ts';
import { STREAMS } from '../../../contract/telemetry/streams.ts';
import { createRandom } from '../../../core/random.ts';
import { openOutboxFolder } from '../../../device/telemetry/outbox/outbox-folder.ts';
import { StreamSender, type SenderLink, type SenderPorts } from '../../../device/telemetry/stream-sender.ts';
import { systemClock } from '../../../platform/clock.ts';
import { freePort } from '../../../platform/free-port.ts';
import { MqttLink } from '../../../platform/mqtt/mqtt-link.ts';
import { MosquittoProcess } from '../../fleet/mosquitto.ts';
import { pause } from '../../fleet/pause.ts';
import { simulatedMetrics, simulatedState } from '../../load/payloads.ts';
import { FaultNetwork } from '../../faults/network.ts';
import { AckingFleet } from '../telemetry/acking-fleet.ts';
import { SteppedClock } from './stepped-clock.ts';
import { WatchedDisk } from './watched-disk.ts';

const WINDOW_SECONDS = STREAMS.metrics.periodSeconds;
const LOOK_MS = 100;
const SAY_EVERY = 2_000;

export interface OutboxBenchOptions {
  readonly hours: number;
  readonly seed: number;
  /** of the network to the broker */
  readonly bitsPerSecond: number;
  /** empty */
  readonly folder: string;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const identity = (): ConstructorParameters<typeof StreamSender>[0] => ({
  ...{ site: 'bench', robot: 'robot', node: 'detector', manufacturer: 'Goshawk' },
  bootId: randomUUID(),
});

/** A robot without a network. */
const NO_LINK: SenderLink = {
  connected: false,
  open: () => undefined,
  publish: () => Promise.reject(new Error('the link is down')),
  close: () => Promise.resolve(),
  drop: () => undefined,
};

/**
 * Fills a real outbox with the windows of a robot that is offline, on a simulated clock, and lets the next boot deliver
 * them over a slow network, in real time.
 * @throws GoshawkError GOSHAWK_MOSQUITTO_MISSING; the reason of the signal if that ended it
 */
export async function benchOutbox(options: OutboxBenchOptions): Promise<OutboxBenchReport> {
  const startedAt = new Date().toISOString();
  const { hours, seed, bitsPerSecond, host } = options;
  const outbox = join(options.folder, 'outbox');
  const offline = await fill(outbox, options);
  const diskBytes = bytesIn(outbox);
  options.say(`${offline.windows} windows wait in ${diskBytes} bytes on the disk`);
  const { openSeconds, ...catchUp } = await deliver(outbox, options);
  return {
    schema: 'goshawk.report.bench-outbox/1',
    startedAt,
    host,
    settings: { hours, seed, bitsPerSecond },
    offline: { ...offline, diskBytes },
    openSeconds,
    catchUp: { ...catchUp, bytesPerWindow: catchUp.batchBytes / Math.max(1, offline.windows) },
  };
}

type Offline = Omit<OutboxBenchReport['offline'], 'diskBytes'>;

async function fill(outbox: string, { hours, seed, signal, say }: OutboxBenchOptions): Promise<Offline> {
  const startedAt = performance.now();
  const random = createRandom(seed);
  const clock = new SteppedClock(Date.UTC(2026, 0, 1));
  const watched = new WatchedDisk(await openOutboxFolder(outbox, say));
  let payloadBytes = 0;
  const sender = new StreamSender(identity(), {
    createLink: () => NO_LINK,
    openDisk: () => Promise.resolve(watched.disk),
    post: (message) => {
      if (message.type === 'counts') payloadBytes = message.streams.metrics.waitingBytes;
    },
    clock,
    bytesPerDay: 0,
  });
  await sender.start();
  const windows = Math.round((hours * 3_600) / WINDOW_SECONDS);
  let cpuMicroseconds = 0;
  for (let window = 0; window < windows; window += 1) {
    signal.throwIfAborted();
    const state = simulatedState(random);
    const metrics = simulatedMetrics(random, clock.wallMs());
    const before = process.cpuUsage();
    sender.receive({ type: 'message', stream: 'state', body: state });
    sender.receive({ type: 'message', stream: 'metrics', body: metrics });
    for (let second = 0; second < WINDOW_SECONDS; second += 1) {
      clock.advance(1_000);
      await watched.idle();
    }
    const { user, system } = process.cpuUsage(before);
    cpuMicroseconds += user + system;
    if ((window + 1) % SAY_EVERY === 0) say(`${window + 1} of ${windows} windows`);
  }
  await sender.close();
  return {
    windows,
    payloadBytes,
    cpuMsPerWindow: cpuMicroseconds / 1_000 / windows,
    seconds: (performance.now() - startedAt) / 1_000,
  };
}

interface Delivered {
  readonly openSeconds: number;
  readonly seconds: number;
  readonly batches: number;
  readonly batchBytes: number;
}

/** The next boot, with a broker behind a slow network and a fleet that acknowledges. */
async function deliver(outbox: string, options: OutboxBenchOptions): Promise<Delivered> {
  const port = await freePort();
  const folder = join(options.folder, 'broker');
  mkdirSync(folder);
  const broker = new MosquittoProcess(folder, port, []);
  const network = await FaultNetwork.listen(port);
  network.limit(options.bitsPerSecond / 8);
  const fleet = await AckingFleet.start(broker.url);
  try {
    const times = await deliverTo(network.url, outbox, options);
    const { messages: batches, bytes: batchBytes } = fleet.received.get('history') ?? {
      messages: 0,
      bytes: 0,
    };
    return { ...times, batches, batchBytes };
  } finally {
    await fleet.close();
    network.close();
    await broker.kill();
  }
}

async function deliverTo(
  url: string,
  outbox: string,
  { say, signal }: OutboxBenchOptions,
): Promise<Pick<Delivered, 'openSeconds' | 'seconds'>> {
  let waiting = Infinity;
  let upAt = Infinity;
  const ports: SenderPorts = {
    createLink: (link, events) =>
      new MqttLink({ ...link, urls: [url], timing: { firstMs: 100, maxMs: 1_000, lookMs: 60_000 } }, events),
    openDisk: () => openOutboxFolder(outbox, say),
    post: (message) => {
      if (message.type === 'link' && message.connected) upAt = Math.min(upAt, performance.now());
      if (message.type !== 'counts') return;
      waiting = Object.values(message.streams).reduce((sum, stream) => sum + stream.waiting, 0);
    },
    clock: systemClock,
    bytesPerDay: 0,
  };
  const beganAt = performance.now();
  const sender = new StreamSender(identity(), ports);
  await sender.start();
  const openSeconds = (performance.now() - beganAt) / 1_000;
  try {
    while (waiting > 0) await pause(LOOK_MS, signal);
    return { openSeconds, seconds: (performance.now() - upAt) / 1_000 };
  } finally {
    await sender.close();
  }
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}
