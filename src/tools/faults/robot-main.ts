import { randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { openOutboxFolder } from '../../device/telemetry/outbox/outbox-folder.ts';
import { StreamSender, type SenderDisk } from '../../device/telemetry/stream-sender.ts';
import { noteSyncedLogs, noteSyncedMarks } from './synced.ts';

/**
 * A robot of `goshawk fleet faults`: the sender and the outbox of a real one, fed quickly. It writes down each number
 * before anything else can happen to it, and takes faults of disk and clock as lines of its standard input.
 */
const settings = z
  .object({ url: z.string(), outbox: z.string(), produced: z.string(), note: z.string(), sync: z.boolean() })
  .parse(JSON.parse(process.argv[2] ?? '{}'));

const METRICS_MS = 40;
const STATE_MS = 200;
const identity = {
  site: 'faults',
  robot: 'robot',
  node: 'detector',
  manufacturer: 'Goshawk',
  bootId: randomUUID(),
};

const made = z.object({ bootId: z.string(), headerId: z.number() });
const producedFile = openSync(settings.produced, 'a');
let isFull = false;
let clockOffsetMs = 0;
const clock: Clock = { ...systemClock, wallMs: () => Date.now() + clockOffsetMs };

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function takeOrRefuse(): void {
  if (isFull) throw Object.assign(new Error('no space left on device (simulated)'), { code: 'ENOSPC' });
}

/** The disk, which can be full, and which notes what it has synced; with sync off it only has what it began with. */
async function openDisk(): Promise<SenderDisk> {
  const { outbox, note, sync } = settings;
  const { store, marks } = await openOutboxFolder(outbox, (line) => say(`log ${line}`));
  noteSyncedLogs(outbox, note);
  noteSyncedMarks(outbox, note);
  return {
    store: {
      records: () => store.records(),
      read: (key) => store.read(key),
      close: () => store.close(),
      write: async (changes) => {
        takeOrRefuse();
        await store.write(changes);
        if (sync) noteSyncedLogs(outbox, note);
      },
    },
    marks: {
      read: () => marks.read(),
      close: () => marks.close(),
      write: async (next) => {
        takeOrRefuse();
        await marks.write(next);
        if (sync) noteSyncedMarks(outbox, note);
      },
    },
  };
}

const sender = new StreamSender(identity, {
  createLink: (link, events) =>
    new MqttLink(
      { ...link, urls: [settings.url], timing: { firstMs: 200, maxMs: 1_000, lookMs: 60_000 } },
      events,
    ),
  openDisk,
  post: (message) => {
    if (message.type !== 'counts') return;
    const waiting = Object.values(message.streams).reduce((sum, counts) => sum + counts.waiting, 0);
    say(`waiting ${waiting}`);
  },
  onMade: (stream, payload) => {
    const { bootId, headerId } = made.parse(JSON.parse(payload));
    writeSync(producedFile, `${stream} ${bootId} ${headerId}\n`);
  },
  clock,
  bytesPerDay: 0,
});

function sendMetrics(): void {
  const end = new Date(clock.wallMs());
  const body = {
    window: { start: new Date(end.getTime() - METRICS_MS).toISOString(), end: end.toISOString() },
    bundle: null,
    cameras: [],
    process: { residentBytes: 1, eventLoopDelayP99Ms: 0.1 },
    host: {},
  };
  sender.receive({ type: 'message', stream: 'metrics', body });
}

function sendState(): void {
  const body = {
    uptimeSeconds: performance.now() / 1000,
    lifecycle: 'active',
    bundle: null,
    cameras: [],
    host: {},
  };
  sender.receive({ type: 'message', stream: 'state', body });
}

await sender.start();
const timers = [setInterval(sendMetrics, METRICS_MS), setInterval(sendState, STATE_MS)];

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [word, value] = line.split(' ');
    if (word === 'disk') isFull = value === 'full';
    if (word === 'clock') clockOffsetMs += Number(value);
    if (word === 'quiet') for (const timer of timers) clearInterval(timer);
  })
  // whoever started it is gone
  .on('close', () => process.exit());
