import { parentPort, workerData } from 'node:worker_threads';
import {
  telemetryClientId,
  telemetryTopic,
  type ConnectionPayload,
  type MetricsBody,
  type MetricsPayload,
  type StateBody,
  type StatePayload,
  type Stream,
  type TelemetryHeader,
} from '../../contract/telemetry.ts';
import { troubleOfMessage } from '../../platform/mqtt/link-trouble.ts';
import { MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { Outbox, type Waiting } from './outbox.ts';
import type { FromTelemetryThread, TelemetrySettings, ToTelemetryThread } from './protocol.ts';

/** Windows of ten seconds: two hours without a broker. */
const METRICS_CAPACITY = 720;
const SCHEMA_VERSION = '1.1.0';
const CLOSE_LIMIT_MS = 3_000;

const settings = workerData as TelemetrySettings;
const port = parentPort;
if (port === null) throw new Error('telemetry-main is the entry of a worker thread');

const state = new Outbox<StateBody>(1);
const metrics = new Outbox<MetricsBody>(METRICS_CAPACITY);
let connectionCount = 0;
let pumping = false;
let closing = false;

function post(message: FromTelemetryThread): void {
  port?.postMessage(message);
}

function header(headerId: number, timestamp: string): TelemetryHeader {
  const { manufacturer, robot, node, bootId } = settings;
  return { headerId, timestamp, version: SCHEMA_VERSION, manufacturer, serialNumber: robot, node, bootId };
}

function topic(stream: Stream): string {
  return telemetryTopic(settings, stream);
}

function connectionPayload(connectionState: ConnectionPayload['connectionState']): string {
  const payload: ConnectionPayload = {
    ...header(connectionCount++, new Date().toISOString()),
    connectionState,
  };
  return JSON.stringify(payload);
}

const link = new MqttLink(
  {
    ...settings,
    clientId: telemetryClientId(settings),
    will: { topic: topic('connection'), payload: connectionPayload('CONNECTION_BROKEN') },
  },
  {
    onUp: (protocol) => {
      post({ type: 'link', connected: true, protocol });
      void send('connection', connectionPayload('ONLINE'), true)
        .then(pump)
        .catch(() => undefined);
    },
    onDown: (trouble) => post({ type: 'link', connected: false, trouble }),
  },
);

/** Publishes, and tells whether the broker takes it: a link that stands and delivers nothing must not look well. */
async function send(stream: Stream, payload: string, retain = false): Promise<void> {
  try {
    await link.publish(topic(stream), payload, retain);
    post({ type: 'delivery', trouble: null });
  } catch (error) {
    const trouble = troubleOfMessage(topic(stream), error as Error & { code?: unknown });
    if (trouble !== null) post({ type: 'delivery', trouble });
    throw error;
  }
}

async function sendState(message: Waiting<StateBody>): Promise<void> {
  try {
    const payload: StatePayload = { ...header(message.headerId, message.timestamp), ...message.body };
    await send('state', JSON.stringify(payload));
    state.delivered();
  } catch (error) {
    state.failed(message);
    throw error;
  }
}

async function sendMetrics(message: Waiting<MetricsBody>): Promise<void> {
  const lost = { state: state.takeGaps(), metrics: metrics.takeGaps() };
  try {
    const gaps = Object.fromEntries(Object.entries(lost).filter(([, count]) => count > 0));
    const payload: MetricsPayload = { ...header(message.headerId, message.timestamp), ...message.body, gaps };
    await send('metrics', JSON.stringify(payload));
    metrics.delivered();
  } catch (error) {
    state.undeclare(lost.state);
    metrics.undeclare(lost.metrics);
    metrics.failed(message);
    throw error;
  }
}

/** One message at a time, oldest first, while the link is up. */
async function pump(): Promise<void> {
  if (pumping) return;
  pumping = true;
  try {
    while (link.connected) {
      const stateMessage = state.take();
      if (stateMessage) await sendState(stateMessage);
      const metricsMessage = metrics.take();
      if (metricsMessage) await sendMetrics(metricsMessage);
      if (!stateMessage && !metricsMessage) break;
    }
  } catch {
    // The message is back in its outbox, or counted; the next connection goes on from there.
  } finally {
    pumping = false;
    post({ type: 'counts', streams: { state: state.counts(), metrics: metrics.counts() } });
  }
}

async function close(): Promise<void> {
  if (closing) return;
  closing = true;
  const limit = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_LIMIT_MS).unref());
  const lastWill = async (): Promise<void> => {
    await pump();
    if (link.connected) await send('connection', connectionPayload('OFFLINE'), true);
  };
  await Promise.race([lastWill().catch(() => undefined), limit]);
  await Promise.race([link.close().catch(() => undefined), limit]);
  // A broker that refuses the farewell, or answers nothing, must not keep this thread, and with it the
  // process, from ending.
  link.drop();
  post({ type: 'counts', streams: { state: state.counts(), metrics: metrics.counts() } });
  post({ type: 'closed' });
  port?.close();
}

port.on('message', (message: ToTelemetryThread) => {
  switch (message.type) {
    case 'state':
      state.put(message.body, new Date().toISOString());
      void pump();
      break;
    case 'metrics':
      metrics.put(message.body, new Date().toISOString());
      void pump();
      break;
    case 'lost':
      (message.stream === 'state' ? state : metrics).lose();
      break;
    case 'close':
      void close();
      break;
  }
});

link.open();
