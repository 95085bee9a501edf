import { randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import type { OutboxDisk } from '../../device/telemetry/outbox/disk-limit.ts';
import { openOutboxFolder } from '../../device/telemetry/outbox/outbox-folder.ts';
import type { StreamMessage } from '../../device/telemetry/protocol.ts';
import { StreamSender } from '../../device/telemetry/stream-sender.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { nameThread } from '../../platform/thread-name.ts';
import { yieldToOtherThreads } from '../../platform/thread-priority.ts';
import type { RobotCommand, FaultRobotSettings } from './robot-protocol.ts';
import { noteSyncedLogs, noteSyncedMarks } from './synced.ts';

/**
 * The telemetry thread of a robot of `goshawk fleet faults`: sender and outbox of a real one, on a disk that can be
 * full and with a clock that jumps. It writes down each number before anything else can happen to it.
 */
nameThread('telemetry');
await yieldToOtherThreads();
const settings = workerData as FaultRobotSettings;
const port = parentPort;
if (port === null) throw new Error('robot-telemetry-main is the entry of a worker thread');

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
  port?.postMessage(line);
}

function takeOrRefuse(): void {
  if (isFull) throw Object.assign(new Error('no space left on device (simulated)'), { code: 'ENOSPC' });
}

/** The disk, which can be full, and which notes what it has synced; with sync off it only has what it began with. */
async function openDisk(): Promise<OutboxDisk> {
  const { outbox, note, sync } = settings;
  const { store, marks } = await openOutboxFolder(outbox, (line) => say(`log ${line}`));
  noteSyncedLogs(outbox, note);
  noteSyncedMarks(outbox, note);
  return {
    store: {
      records: () => store.records(),
      read: (keys) => store.read(keys),
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
      // overwritten in place, which a full disk takes
      write: async (next) => {
        await marks.write(next);
        if (sync) noteSyncedMarks(outbox, note);
      },
      writeEarlier: async (boots) => {
        await marks.writeEarlier(boots);
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
    const all = Object.values(message.streams);
    say(`waiting ${all.reduce((sum, { waiting }) => sum + waiting, 0)}`);
    if (all.some(({ delivered }) => delivered > 0)) say('delivered');
  },
  onMade: (stream, payload) => {
    const { bootId, headerId } = made.parse(JSON.parse(payload));
    writeSync(producedFile, `${stream} ${bootId} ${headerId}\n`);
  },
  clock,
  bytesPerDay: 0,
});

// A disk that takes nothing when a boot begins leaves it in memory; what is lost with the process then, nobody declares
const started = sender.start();
port.on('message', (message: StreamMessage | RobotCommand) => {
  if (message.type === 'telemetry') void sender.close().then(() => port.close());
  else if (message.type === 'disk') void started.then(() => (isFull = message.isFull));
  else if (message.type === 'clock') clockOffsetMs += message.stepMs;
  else if (message.type !== 'quiet') sender.receive(message);
});
await started;
