import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OutboxBenchReport } from '../../../contract/bench-outbox.ts';
import type { Host } from '../../../contract/report.ts';
import { openOutboxFolder } from '../../../device/telemetry/outbox/outbox-folder.ts';
import type { SenderIdentity } from '../../../device/telemetry/protocol.ts';
import { StreamSender, type SenderPorts } from '../../../device/telemetry/stream-sender.ts';
import { systemClock } from '../../../platform/clock.ts';
import { freePort } from '../../../platform/free-port.ts';
import { MqttLink } from '../../../platform/mqtt/mqtt-link.ts';
import { MosquittoProcess } from '../../fleet/mosquitto.ts';
import { pause } from '../../fleet/pause.ts';
import { FaultNetwork } from '../../faults/network.ts';
import { makeBacklog } from '../backlog/make-backlog.ts';
import { AckingFleet } from '../telemetry/acking-fleet.ts';

const LOOK_MS = 100;

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

const identity = (): SenderIdentity => ({
  ...{ site: 'bench', robot: 'robot', node: 'detector', manufacturer: 'Goshawk' },
  bootId: randomUUID(),
});

/**
 * Fills a real outbox with the windows of a robot that is offline, on a simulated clock, and lets the next boot deliver
 * them over a slow network, in real time.
 * @throws GoshawkError GOSHAWK_MOSQUITTO_MISSING; the reason of the signal if that ended it
 */
export async function benchOutbox(options: OutboxBenchOptions): Promise<OutboxBenchReport> {
  const startedAt = new Date().toISOString();
  const { hours, seed, bitsPerSecond, host } = options;
  const outbox = join(options.folder, 'outbox');
  const offline = await makeBacklog({ ...options, folder: outbox, identity: identity() });
  const { openSeconds, ...catchUp } = await deliver(outbox, options);
  return {
    schema: 'goshawk.report.bench-outbox/1',
    startedAt,
    host,
    settings: { hours, seed, bitsPerSecond },
    offline,
    openSeconds,
    catchUp: { ...catchUp, bytesPerWindow: catchUp.batchBytes / Math.max(1, offline.windows) },
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
