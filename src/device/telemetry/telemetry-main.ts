import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../platform/clock.ts';
import { MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import type { FromTelemetryThread, TelemetrySettings, ToTelemetryThread } from './protocol.ts';
import { openOutboxFolder } from './outbox/outbox-folder.ts';
import { StreamSender } from './stream-sender.ts';

const settings = workerData as TelemetrySettings;
const port = parentPort;
if (port === null) throw new Error('telemetry-main is the entry of a worker thread');

const sender = new StreamSender(settings, {
  createLink: (identity, events) => new MqttLink({ ...settings, ...identity }, events),
  openDisk: () => openOutboxFolder(settings.outbox, (line) => port.postMessage({ type: 'log', line })),
  post: (message: FromTelemetryThread) => port.postMessage(message),
  clock: systemClock,
});
port.on('message', (message: ToTelemetryThread) => {
  if (message.type === 'close') void sender.close().then(() => port.close());
  else sender.receive(message);
});
void sender.start();
