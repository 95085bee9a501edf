import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { STREAMS } from '../../../contract/telemetry/streams.ts';
import { createRandom } from '../../../core/random.ts';
import { openOutboxFolder } from '../../../device/telemetry/outbox/outbox-folder.ts';
import type { SenderIdentity } from '../../../device/telemetry/protocol.ts';
import { StreamSender, type SenderLink } from '../../../device/telemetry/stream-sender.ts';
import { simulatedMetrics, simulatedState } from '../../load/payloads.ts';
import { SteppedClock } from './stepped-clock.ts';
import { WatchedDisk } from './watched-disk.ts';

const WINDOW_SECONDS = STREAMS.metrics.periodSeconds;
const SAY_EVERY = 2_000;

export interface BacklogOptions {
  /** without a broker */
  readonly hours: number;
  readonly seed: number;
  /** empty, or not there yet */
  readonly folder: string;
  /** whose messages they are */
  readonly identity: SenderIdentity;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** What a robot without a broker left on its disk. */
export interface Backlog {
  /** stats windows of one camera; of the states between them only the newest waits */
  readonly windows: number;
  /** of the windows that wait */
  readonly payloadBytes: number;
  readonly diskBytes: number;
  /** CPU of the sender and its outbox, for a window and all else that happens in its time */
  readonly cpuMsPerWindow: number;
  /** wall time, most of which is the disk's */
  readonly seconds: number;
}

/** A robot without a network. */
const NO_LINK: SenderLink = {
  connected: false,
  open: () => undefined,
  publish: () => Promise.reject(new Error('the link is down')),
  close: () => Promise.resolve(),
  drop: () => undefined,
};

/**
 * Fills a real outbox with the windows of a robot that is offline, on a simulated clock. What the outbox loses to the
 * age and number of messages meanwhile is lost here as it is on a robot.
 * @throws the reason of the signal if that ended it
 */
export async function makeBacklog(options: BacklogOptions): Promise<Backlog> {
  const { hours, seed, folder, identity, signal, say } = options;
  const startedAt = performance.now();
  const random = createRandom(seed);
  const clock = new SteppedClock(Date.UTC(2026, 0, 1));
  const watched = new WatchedDisk(await openOutboxFolder(folder, say));
  let payloadBytes = 0;
  const sender = new StreamSender(identity, {
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
  const diskBytes = bytesIn(folder);
  say(`${windows} windows wait in ${diskBytes} bytes on the disk`);
  return {
    windows,
    payloadBytes,
    diskBytes,
    cpuMsPerWindow: cpuMicroseconds / 1_000 / windows,
    seconds: (performance.now() - startedAt) / 1_000,
  };
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}
