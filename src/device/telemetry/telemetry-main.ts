import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../platform/clock.ts';
import { nameThread } from '../../platform/thread-name.ts';
import { yieldToOtherThreads } from '../../platform/thread-priority.ts';
import { MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { Inspection } from './inspection.ts';
import type { FromTelemetryThread, TelemetrySettings, ToTelemetryThread } from './protocol.ts';
import type { OutboxDisk } from './outbox/disk-limit.ts';
import { openOutboxFolder } from './outbox/outbox-folder.ts';
import { StreamSender } from './stream-sender.ts';

nameThread('telemetry');
await yieldToOtherThreads();
const settings = workerData as TelemetrySettings;
const port = parentPort;
if (port === null) throw new Error('telemetry-main is the entry of a worker thread');

const log = (line: string): void => post({ type: 'log', line });
const inspection = new Inspection(() => sender.content());

function post(message: FromTelemetryThread): void {
  inspection.note(message);
  port?.postMessage(message);
}

async function openDisk(): Promise<OutboxDisk> {
  const disk = await openOutboxFolder(settings.outbox, log);
  await inspection.serve(settings.outbox, log);
  return disk;
}

const sender = new StreamSender(settings, {
  createLink: (identity, events) => new MqttLink({ ...settings, ...identity }, events),
  openDisk,
  post,
  onMade: (stream, payload) => inspection.noteMade(stream, payload),
  clock: systemClock,
  bytesPerDay: settings.bytesPerDay ?? 0,
  ...(settings.resend === undefined ? {} : { resend: settings.resend }),
});

async function close(): Promise<void> {
  // before the outbox is closed, and may be opened by another process
  await inspection.close();
  await sender.close();
  port?.close();
}

port.on('message', (message: ToTelemetryThread) => {
  if (message.type === 'close') void close();
  else if (message.type === 'chunk') void sender.transfer(message);
  else sender.receive(message);
});
void sender.start();
