import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import {
  connectionSchema,
  metricsSchema,
  stateSchema,
  type MetricsBody,
  type StateBody,
} from '../../src/contract/telemetry.ts';
import { TelemetryClient } from '../../src/device/telemetry/telemetry-client.ts';
import type { TelemetrySettings } from '../../src/device/telemetry/protocol.ts';
import { EmbeddedBroker } from '../../src/fleet/broker/embedded-broker.ts';
import { Mosquitto } from '../support/mosquitto.ts';

const ENTRY = pathToFileURL(join(import.meta.dirname, '../../dist/device/telemetry/telemetry-main.js'));

const stateBody: StateBody = {
  uptimeSeconds: 12.5,
  lifecycle: 'active',
  bundle: null,
  cameras: [{ camera: 'front', silentSeconds: 0.03, framesReceived: 30, framesPublished: 29 }],
  host: { cpuRatio: 0.5 },
};

function metricsBody(published: number): MetricsBody {
  return {
    window: { start: '2026-01-01T00:00:00.000Z', end: '2026-01-01T00:00:10.000Z' },
    bundle: null,
    cameras: [
      {
        camera: 'front',
        received: published + 1,
        published,
        drops: { superseded: 1 },
        inFlight: 0,
        fps: { in: 30, out: 29 },
        latency: { edgesMs: [10, 20], counts: [1, 2, 0], sumMs: 40 },
      },
    ],
    process: { residentBytes: 1, eventLoopDelayP99Ms: 0.1 },
    host: {},
  };
}

interface Heard {
  topic: string;
  body: unknown;
  retain: boolean;
}

/** A stranger's subscriber: MQTT.js with its own connection, keeping all it hears. */
async function listen(url: string, protocolVersion: 4 | 5): Promise<{ client: MqttClient; heard: Heard[] }> {
  const client = await mqtt.connectAsync(url, { protocolVersion });
  const heard: Heard[] = [];
  client.on('message', (topic, payload, packet) => {
    heard.push({ topic, body: JSON.parse(payload.toString('utf8')) as unknown, retain: packet.retain });
  });
  await client.subscribeAsync('fleet/#', { qos: 1 });
  return { client, heard };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

function settings(url: string, more: Partial<TelemetrySettings> = {}): TelemetrySettings {
  return { url, site: 'yard', robot: 'r1', manufacturer: 'Goshawk', bootId: randomUUID(), ...more };
}

function client(options: TelemetrySettings): TelemetryClient {
  const telemetry = new TelemetryClient(options, ENTRY, () => undefined);
  open.push(telemetry);
  return telemetry;
}

async function mosquitto(configuration?: string): Promise<Mosquitto> {
  const broker = await Mosquitto.start(configuration);
  open.push({ close: () => broker.stop() });
  return broker;
}

async function listener(url: string, protocolVersion: 4 | 5): Promise<Heard[]> {
  const { client: subscriber, heard } = await listen(url, protocolVersion);
  open.push({ close: () => subscriber.endAsync(true) });
  return heard;
}

const of = (heard: Heard[], stream: string): Heard[] =>
  heard.filter((message) => message.topic === `fleet/v1/yard/r1/${stream}`);

describe('telemetry over a real Mosquitto (MQTT 5)', () => {
  it('announces itself, counts its messages from 0, and says OFFLINE when it is closed', async () => {
    const broker = await mosquitto();
    const heard = await listener(broker.url, 5);
    const telemetry = client(settings(broker.url));
    telemetry.state(stateBody);
    telemetry.metrics(metricsBody(10));
    telemetry.metrics(metricsBody(11));
    await until(
      () => of(heard, 'metrics').length === 2 && of(heard, 'state').length === 1,
      'two windows and a state',
    );
    await telemetry.close();
    await until(() => of(heard, 'connection').length === 2, 'birth and farewell');

    const connection = of(heard, 'connection').map((message) => connectionSchema.parse(message.body));
    expect(connection.map((message) => message.connectionState)).toEqual(['ONLINE', 'OFFLINE']);
    const windows = of(heard, 'metrics').map((message) => metricsSchema.parse(message.body));
    expect(windows.map((window) => window.headerId)).toEqual([0, 1]);
    expect(windows.map((window) => window.cameras[0]?.published)).toEqual([10, 11]);
    expect(stateSchema.parse(of(heard, 'state')[0]?.body).serialNumber).toBe('r1');
    expect(telemetry.status.streams?.metrics).toEqual({ produced: 2, delivered: 2, dropped: 0, waiting: 0 });
  });

  it('leaves a retained CONNECTION_BROKEN of the same boot when its connection dies', async () => {
    const broker = await mosquitto();
    const heard = await listener(broker.url, 5);
    const options = settings(broker.url);
    const telemetry = client(options);
    await until(() => of(heard, 'connection').length === 1, 'the birth');
    const rival = mqtt.connect(broker.url, {
      clientId: 'goshawk-yard-r1',
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    open.push({ close: () => rival.endAsync(true) });
    await until(
      () =>
        of(heard, 'connection').some(
          (message) => connectionSchema.parse(message.body).connectionState === 'CONNECTION_BROKEN',
        ),
      'the will',
    );
    const broken = of(heard, 'connection')
      .map((message) => connectionSchema.parse(message.body))
      .find((message) => message.connectionState === 'CONNECTION_BROKEN');
    expect(broken?.bootId).toBe(options.bootId);
    expect(telemetry.status.streams?.state.dropped ?? 0).toBe(0);
  });

  it('keeps windows while the broker is away and sends them in order when it is back', async () => {
    const broker = await mosquitto();
    const telemetry = client(settings(broker.url));
    await until(() => telemetry.status.connected, 'the link');
    await broker.kill();
    await until(() => !telemetry.status.connected, 'the loss');
    for (let window = 0; window < 5; window += 1) telemetry.metrics(metricsBody(window));
    await broker.restart();
    const heard = await listener(broker.url, 5);
    await until(() => of(heard, 'metrics').length === 5, 'five windows');
    expect(of(heard, 'metrics').map((message) => metricsSchema.parse(message.body).headerId)).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  it('declares states that were replaced while the broker was away as a gap of the next window', async () => {
    const broker = await mosquitto();
    await broker.kill();
    const telemetry = client(settings(broker.url));
    await until(() => telemetry.status.reason.includes('ECONNREFUSED'), 'a refusal');
    for (let index = 0; index < 4; index += 1) telemetry.state(stateBody);
    telemetry.metrics(metricsBody(1));
    await until(() => telemetry.status.streams?.metrics.waiting === 1, 'a waiting window');
    expect(telemetry.status.streams?.state).toEqual({ produced: 4, delivered: 0, dropped: 3, waiting: 1 });
    await broker.restart();
    const heard = await listener(broker.url, 5);
    await until(() => of(heard, 'metrics').length === 1, 'the window');
    expect(stateSchema.parse(of(heard, 'state')[0]?.body).headerId).toBe(3);
    expect(metricsSchema.parse(of(heard, 'metrics')[0]?.body).gaps).toEqual({ state: 3 });
  });

  it('logs in with a password that is no part of the address', async () => {
    const broker = await mosquitto('allow_anonymous false');
    const telemetry = client(settings(broker.url));
    await until(
      () => telemetry.status.reason.toLowerCase().includes('not authorized'),
      'the refusal in words',
    );
    expect(() => client(settings('mqtt://user:secret@127.0.0.1:1'))).toThrow(/GOSHAWK_MQTT_PASSWORD_FILE/);
  });
});

describe('telemetry over the embedded broker (MQTT 3.1.1)', () => {
  it('falls back to 3.1.1', async () => {
    const broker = await EmbeddedBroker.listen(0);
    open.push(broker);
    const heard = await listener(broker.url, 4);
    const telemetry = client(settings(broker.url));
    telemetry.state(stateBody);
    await until(() => of(heard, 'state').length === 1, 'a state');
    expect(telemetry.status.protocol).toBe('3.1.1');
  });

  it('names the port that is in use', async () => {
    const broker = await EmbeddedBroker.listen(0);
    open.push(broker);
    const port = Number(new URL(broker.url).port);
    await expect(EmbeddedBroker.listen(port)).rejects.toMatchObject({ code: 'GOSHAWK_PORT_IN_USE' });
  });
});
