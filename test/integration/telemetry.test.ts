import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { payloadSchemaOf } from '../../src/contract/telemetry/payloads.ts';
import type { StreamBody } from '../../src/contract/telemetry/streams.ts';
import { parameterValues } from '../../src/cli/kit/parameter-options.ts';
import { composeRuntime, PART_PARAMETERS, type PartValues } from '../../src/device/parts.ts';
import { ledgerOf, reportOf } from '../../src/device/telemetry/inspect/look.ts';
import { TelemetryClient } from '../../src/device/telemetry/telemetry-client.ts';
import type { TelemetrySettings } from '../../src/device/telemetry/protocol.ts';
import { EmbeddedBroker } from '../../src/fleet/broker/embedded-broker.ts';
import { messagesOf } from '../support/telemetry-messages.ts';
import { certify, type Certified } from '../support/certificates.ts';
import { MOSQUITTO, Mosquitto, passwordLine } from '../support/mosquitto.ts';
import { describeWith } from '../support/needs.ts';
import { priorities } from '../support/thread-priorities.ts';

const connectionSchema = payloadSchemaOf('connection');
const stateSchema = payloadSchemaOf('state');
const gapSchema = payloadSchemaOf('gap');
const metricsSchema = payloadSchemaOf('metrics');

const ENTRY = new URL('../../src/device/telemetry/telemetry-main.ts', import.meta.url);

const stateBody: StreamBody<'state'> = {
  uptimeSeconds: 12.5,
  lifecycle: 'active',
  bundle: null,
  cameras: [{ camera: 'front', silentSeconds: 0.03, framesReceived: 30, framesPublished: 29 }],
  host: { cpuRatio: 0.5 },
};

function metricsBody(published: number): StreamBody<'metrics'> {
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

/** An independent subscriber: MQTT.js with its own connection, which keeps everything that it receives. */
async function listen(url: string, protocolVersion: 4 | 5): Promise<{ client: MqttClient; heard: Heard[] }> {
  const client = await mqtt.connectAsync(url, { protocolVersion });
  const heard: Heard[] = [];
  client.on('message', (topic, payload, packet) => {
    for (const [own, text] of messagesOf(topic, payload))
      heard.push({ topic: own, body: JSON.parse(text) as unknown, retain: packet.retain });
  });
  await client.subscribeAsync('fleet/#', { qos: 1 });
  return { client, heard };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let attempt = 0; attempt < 1_200; attempt += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

const outboxes = mkdtempSync(join(tmpdir(), 'goshawk-outbox-'));
const newOutbox = (): string => mkdtempSync(join(outboxes, 'of-'));
afterAll(() => rmSync(outboxes, { recursive: true }));

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

function settings(url: string, more: Partial<TelemetrySettings> = {}): TelemetrySettings {
  return {
    urls: [url],
    timing: { firstMs: 500, maxMs: 2_000, lookMs: 300 },
    resend: { firstMs: 500, lastMs: 2_000 },
    site: 'yard',
    robot: 'r1',
    node: 'detector',
    manufacturer: 'Goshawk',
    bootId: randomUUID(),
    outbox: newOutbox(),
    ...more,
  };
}

function client(options: TelemetrySettings, codes: (string | null)[] = []): TelemetryClient {
  const telemetry = new TelemetryClient(
    options,
    ENTRY,
    ({ code }) => codes.push(code),
    () => undefined,
  );
  open.push(telemetry);
  return telemetry;
}

async function mosquitto(configuration?: string, files?: Record<string, string>): Promise<Mosquitto> {
  const broker = await Mosquitto.start(configuration, files);
  open.push({ close: () => broker.stop() });
  return broker;
}

async function listener(url: string, protocolVersion: 4 | 5): Promise<Heard[]> {
  const { client: subscriber, heard } = await listen(url, protocolVersion);
  open.push({ close: () => subscriber.endAsync(true) });
  return heard;
}

const of = (heard: Heard[], stream: string, node = 'detector'): Heard[] =>
  heard.filter((message) => message.topic === `fleet/v1/yard/r1/${node}/${stream}`);

const births = (heard: Heard[], node?: string): string[] =>
  of(heard, 'connection', node)
    .map((message) => connectionSchema.parse(message.body))
    .filter(({ connectionState }) => connectionState === 'ONLINE')
    .map(({ bootId }) => bootId);

describeWith(MOSQUITTO, 'telemetry over a real Mosquitto (MQTT 5)', () => {
  it('declares a message that does not follow its schema as lost, and logs that', async () => {
    const broker = await mosquitto();
    const heard = await listener(broker.url, 5);
    const telemetry = client(settings(broker.url));
    telemetry.send('metrics', metricsBody(10));
    await until(() => of(heard, 'metrics').length === 1, 'the first window');
    let refusal: unknown;
    try {
      telemetry.send('metrics', metricsBody(-150));
    } catch (error) {
      telemetry.lose('metrics');
      refusal = error;
    }
    expect(refusal).toMatchObject({
      code: 'GOSHAWK_TELEMETRY_INVALID',
      message: expect.stringMatching(
        /stream metrics .*cameras\.0\.received: .*cameras\.0\.published: /,
      ) as unknown,
    });
    telemetry.send('metrics', metricsBody(11));
    await until(() => of(heard, 'metrics').length === 2, 'the next window');
    const [first, second] = of(heard, 'metrics').map(({ body }) => metricsSchema.parse(body));
    expect([first!.headerId, second!.headerId]).toEqual([0, 2]);
    await until(() => of(heard, 'gap').length === 1, 'the gap');
    expect(gapSchema.parse(of(heard, 'gap')[0]?.body)).toMatchObject({
      stream: 'metrics',
      lostBootId: first!.bootId,
      ranges: [[1, 1]],
      reason: 'invalid',
    });
  });

  it("gives up on a window above the broker's packet size, declares it, and delivers the next one", async () => {
    const broker = await mosquitto('allow_anonymous true\nmax_packet_size 3000');
    const heard = await listener(broker.url, 5);
    const codes: (string | null)[] = [];
    const telemetry = client(settings(broker.url), codes);
    await until(() => telemetry.status.connected, 'the link');
    const zones = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`zone${String(i)}`, 40]));
    telemetry.send('metrics', { ...metricsBody(1), host: { temperatureCelsius: zones } });
    telemetry.send('metrics', metricsBody(2));
    await until(() => of(heard, 'metrics').length === 1, 'the second window');
    expect(metricsSchema.parse(of(heard, 'metrics')[0]?.body).headerId).toBe(1);
    await until(() => of(heard, 'gap').length === 1, 'the gap');
    expect(gapSchema.parse(of(heard, 'gap')[0]?.body)).toMatchObject({
      ranges: [[0, 0]],
      reason: 'too_large',
    });
    expect(births(heard)).toHaveLength(1);
    expect(codes).toContain('GOSHAWK_BROKER_REFUSED');
  });

  it('announces itself, counts its messages from 0, and sends OFFLINE when it is closed', async () => {
    const broker = await mosquitto();
    const heard = await listener(broker.url, 5);
    const telemetry = client(settings(broker.url));
    telemetry.send('state', stateBody);
    telemetry.send('metrics', metricsBody(10));
    telemetry.send('metrics', metricsBody(11));
    await until(
      () => of(heard, 'metrics').length === 2 && of(heard, 'state').length === 1,
      'two windows and a state',
    );
    // frames go first
    expect(new Map(priorities()).get('gh-telemetry')).toBeGreaterThanOrEqual(10);
    await telemetry.close();
    await until(() => of(heard, 'connection').length === 2, 'birth and farewell');

    const connection = of(heard, 'connection').map((message) => connectionSchema.parse(message.body));
    expect(connection.map((message) => message.connectionState)).toEqual(['ONLINE', 'OFFLINE']);
    const windows = of(heard, 'metrics').map((message) => metricsSchema.parse(message.body));
    expect(windows.map((window) => window.headerId)).toEqual([0, 1]);
    expect(windows.map((window) => window.cameras[0]?.published)).toEqual([10, 11]);
    expect(stateSchema.parse(of(heard, 'state')[0]?.body).serialNumber).toBe('r1');
    // nobody has acknowledged them
    expect(telemetry.status.streams?.metrics).toMatchObject({
      produced: 2,
      delivered: 0,
      dropped: 0,
      waiting: 2,
    });
  });

  it('leaves a retained CONNECTION_BROKEN of the same boot when its connection dies', async () => {
    const broker = await mosquitto();
    const heard = await listener(broker.url, 5);
    const options = settings(broker.url);
    const telemetry = client(options);
    await until(() => of(heard, 'connection').length === 1, 'the birth');
    const rival = mqtt.connect(broker.url, {
      clientId: 'goshawk:yard:r1:detector',
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

  it('keeps windows while the broker is away and sends all of them when it returns', async () => {
    const broker = await mosquitto();
    const telemetry = client(settings(broker.url));
    await until(() => telemetry.status.connected, 'the link');
    await broker.kill();
    await until(() => !telemetry.status.connected, 'the loss');
    for (let window = 0; window < 5; window += 1) telemetry.send('metrics', metricsBody(window));
    await broker.restart();
    const heard = await listener(broker.url, 5);
    // What it sent before this listener was there comes again, since nobody acknowledged it.
    const numbers = (): number[] => [
      ...new Set(of(heard, 'metrics').map((message) => metricsSchema.parse(message.body).headerId)),
    ];
    await until(() => numbers().length === 5, 'five windows');
    expect(numbers().sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('answers for its ledger while it runs, and leaves it on the disk when it ends', async () => {
    const broker = await mosquitto();
    const options = settings(broker.url);
    const telemetry = client(options);
    await until(() => telemetry.status.connected, 'the link');
    for (let window = 0; window < 3; window += 1) telemetry.send('metrics', metricsBody(window));
    await until(() => telemetry.status.streams?.metrics.waiting === 3, 'three windows');
    const outbox = { site: 'yard', robot: 'r1', node: 'detector', folder: options.outbox };
    const expected = { stream: 'metrics', bootId: options.bootId, produced: 3, acknowledged: 0, waiting: 3 };
    const running = await ledgerOf(outbox);
    expect(running.from).toBe('process');
    expect(running.rows).toContainEqual(expect.objectContaining(expected));
    expect(await reportOf(outbox)).toMatchObject({
      link: { connected: true, broker: broker.url },
      waiting: 3,
    });
    await telemetry.close();
    const ended = await ledgerOf(outbox);
    expect(ended.from).toBe('disk');
    expect(ended.rows).toContainEqual(expect.objectContaining({ ...expected, undeclared: [] }));
  });

  it('declares states that were replaced while the broker was away as a gap', async () => {
    const broker = await mosquitto();
    await broker.kill();
    const telemetry = client(settings(broker.url));
    await until(() => telemetry.status.reason.includes('ECONNREFUSED'), 'a refusal');
    for (let index = 0; index < 4; index += 1) telemetry.send('state', stateBody);
    telemetry.send('metrics', metricsBody(1));
    await until(() => telemetry.status.streams?.metrics.waiting === 1, 'a waiting window');
    expect(telemetry.status.streams?.state).toMatchObject({ produced: 4, dropped: 3, waiting: 1 });
    await broker.restart();
    const heard = await listener(broker.url, 5);
    await until(() => of(heard, 'metrics').length === 1, 'the window');
    expect(stateSchema.parse(of(heard, 'state')[0]?.body).headerId).toBe(3);
    expect(gapSchema.parse(of(heard, 'gap')[0]?.body)).toMatchObject({ stream: 'state', ranges: [[0, 2]] });
  });
});

/** Accepts each client like an MQTT 5 broker (CONNACK without properties), then behaves as the test decides. */
async function pretender(goOn: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      goOn(socket);
    });
    socket.on('data', () => undefined).on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      return Promise.resolve(server.close());
    },
  });
  return `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

describeWith(MOSQUITTO, 'two clients of one broker', () => {
  it('two detectors of one robot send in parallel, each on its own topics', async () => {
    const broker = await mosquitto();
    const heard = await listener(broker.url, 5);
    const nodes = ['goshawk-front', 'goshawk-rear'];
    const clients = nodes.map((node) => client(settings(broker.url, { node })));
    for (const telemetry of clients) for (let i = 0; i < 3; i++) telemetry.send('metrics', metricsBody(i));
    await until(() => nodes.every((node) => of(heard, 'metrics', node).length === 3), 'windows of both');
    for (const node of nodes) {
      expect(births(heard, node)).toHaveLength(1);
      expect(of(heard, 'metrics', node).map(({ body }) => metricsSchema.parse(body).headerId)).toEqual([
        0, 1, 2,
      ]);
    }
    expect(clients.map(({ status }) => status.connected)).toEqual([true, true]);
  });

  it('one of two with the same name backs off, reports why, and does not disturb the other', async () => {
    const broker = await mosquitto();
    const heard = await listener(broker.url, 5);
    const codes: (string | null)[] = [];
    const timing = { firstMs: 100, maxMs: 200, lookMs: 300 };
    const twins = [1, 2].map(() => client(settings(broker.url, { timing }), codes));
    const isEvicted = ({ status }: TelemetryClient): boolean => status.code === 'GOSHAWK_CLIENT_TAKEN_OVER';
    await until(() => twins.some(isEvicted), 'the recognition');
    const other = twins.find((twin) => !isEvicted(twin))!;
    await until(() => other.status.connected, 'the other');
    const before = births(heard).length;
    // Without backing off, the two would take over from each other several times meanwhile.
    for (let i = 0; i < 20; i++) {
      other.send('metrics', metricsBody(i));
      await until(() => of(heard, 'metrics').length > i, 'a window of the other');
    }
    expect(births(heard)).toHaveLength(before);
    // null: connected
    const blame = new Set(codes.filter((code) => code !== null));
    expect([...blame].sort()).toEqual(['GOSHAWK_CLIENT_TAKEN_OVER', 'GOSHAWK_LINK_CLOSED']);
    expect(twins.map(({ status }) => status.connected).sort()).toEqual([false, true]);
  });

  it('a broker that reports "session taken over" is believed immediately', async () => {
    // DISCONNECT with reason 0x8E. Not every broker sends it.
    const url = await pretender((socket) => socket.end(Buffer.from([0xe0, 2, 0x8e, 0])));
    const telemetry = client(settings(url));
    await until(() => telemetry.status.code !== null, 'the end');
    expect(telemetry.status).toMatchObject({
      code: 'GOSHAWK_CLIENT_TAKEN_OVER',
      reason: expect.stringMatching(/"goshawk:yard:r1:detector" .*session taken over/) as string,
    });
  });

  it('a broker that acknowledges nothing does not keep the process from ending', async () => {
    const url = await pretender(() => undefined);
    const telemetry = new TelemetryClient(
      settings(url),
      ENTRY,
      () => undefined,
      () => undefined,
    );
    telemetry.send('state', stateBody);
    await until(() => telemetry.status.connected, 'the link');
    await telemetry.close();
    expect(telemetry.status.streams?.state.delivered ?? 0).toBe(0);
    // Less than the keep-alive, which would eventually end the connection.
  }, 40_000);

  it.each([
    ['messages without end', Buffer.from([0x30, 6, 0, 1, 0x61, 0, 0x20, 0x20]), 2_000],
    // PUBLISH of 256 MiB
    ['a packet without end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61]), 8_192],
  ])('a broker that sends %s is left, and named', async (_what, bytes, times) => {
    let sent = 0;
    const url = await pretender((socket) => {
      const more = Buffer.concat(Array<Buffer>(times).fill(bytes));
      const pour = (): void => {
        while (!socket.destroyed && socket.write(more)) sent += more.length;
      };
      socket.on('drain', pour);
      pour();
    });
    const telemetry = client(settings(url, { timing: { firstMs: 60_000, maxMs: 60_000, lookMs: 300 } }));
    await until(() => telemetry.status.code !== null, 'the end');
    expect(telemetry.status).toMatchObject({ connected: false, code: 'GOSHAWK_BROKER_FLOODING' });
    // what fits into the buffers of two sockets
    expect(sent).toBeLessThan(32 << 20);
  });

  it('a TLS file that is gone or half written at a reconnect ends nothing and does not blame the broker', async () => {
    const broker = await mosquitto(undefined, { 'half.pem': certify('x').certificate.slice(0, 200) });
    const url = broker.url.replace('mqtt:', 'mqtts:');
    const gone = client(settings(url, { caFile: broker.file('none.pem') }));
    const half = client(
      settings(url, { certFile: broker.file('half.pem'), keyFile: broker.file('half.pem') }),
    );
    await until(() => gone.status.code !== null && half.status.code !== null, 'both');
    expect(gone.status).toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
      reason: expect.stringContaining('none.pem') as string,
    });
    expect(half.status.code).toBe('GOSHAWK_FILE_INVALID');
  });

  it('a take-over is recognized under MQTT 3.1.1, which does not report it', async () => {
    const broker = await EmbeddedBroker.listen(0);
    open.push(broker);
    const twins = [client(settings(broker.url)), client(settings(broker.url))];
    await until(
      () => twins.some(({ status }) => status.code === 'GOSHAWK_CLIENT_TAKEN_OVER'),
      'the recognition',
    );
    const words = twins.map(({ status }) => status.reason).join();
    expect(words).toMatch(/accepts each connection and soon closes it.*also used elsewhere/);
  });
});

interface Asked {
  readonly url: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** The device's own runtime with telemetry only, as started by `goshawk run` and the node. */
async function service(asked: Asked, environment: Record<string, string> = {}) {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const values: PartValues = {
    ...parameterValues(PART_PARAMETERS, {}),
    telemetry: asked.url,
    telemetry_outbox: newOutbox(),
    site: 'yard',
    robot: 'r1',
    telemetry_ca_file: asked.caFile ?? '',
    telemetry_cert_file: asked.certFile ?? '',
    telemetry_key_file: asked.keyFile ?? '',
  };
  const runtime = composeRuntime(values, {
    node: 'detector',
    silentAfterMs: () => 5000,
    log: (_level, line) => lines.push(line),
    whenRefused: 'reject',
  });
  await runtime.start(new AbortController().signal).finally(() => vi.unstubAllEnvs());
  const started = {
    get telemetry() {
      return runtime.partStatus().telemetry ?? null;
    },
    close: () => runtime.stop(),
  };
  open.push(started);
  return { started, lines };
}

describeWith(MOSQUITTO, 'a list of two brokers', () => {
  /** The fleet's other end on one broker: stores what arrives, and acknowledges it there. */
  async function fleetOn(url: string, stored: Set<string>): Promise<{ presence: string[] }> {
    const subscriber = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 200 });
    open.push({ close: () => subscriber.endAsync(true) });
    const presence: string[] = [];
    const take = (topic: string, text: string): void => {
      const stream = topic.split('/').at(-1) ?? '';
      const message = JSON.parse(text) as { headerId: number; bootId: string };
      if (stream === 'connection') presence.push(connectionSchema.parse(message).connectionState);
      if (stream !== 'metrics' && stream !== 'gap') return;
      stored.add(`${stream} ${String(message.headerId)}`);
      const acks = [{ stream, bootId: message.bootId, ranges: [[message.headerId, message.headerId]] }];
      const ack = { ...message, headerId: 0, acks };
      subscriber.publish(topic.replace(stream, 'ack'), JSON.stringify(ack), { qos: 1 });
    };
    subscriber.on('message', (topic, payload) => {
      for (const [own, text] of messagesOf(topic, payload)) take(own, text);
    });
    await subscriber.subscribeAsync('fleet/#', { qos: 1 });
    return { presence };
  }

  it('loses nothing when one is killed, and goes back to it once it has been there for a while', async () => {
    const [first, second] = [await mosquitto(), await mosquitto()];
    const stored = new Set<string>();
    const [atFirst, atSecond] = [await fleetOn(first.url, stored), await fleetOn(second.url, stored)];
    const telemetry = client({ ...settings(first.url), urls: [first.url, second.url] });
    const isAt = (broker: Mosquitto) => (): boolean =>
      telemetry.status.connected && telemetry.status.broker === broker.url;
    const send = (): void => telemetry.send('metrics', metricsBody(10));
    const isComplete = (count: number) => (): boolean =>
      Array.from({ length: count }, (_, i) => stored.has(`metrics ${String(i)}`)).every(Boolean);
    await until(isAt(first), 'the preferred broker');
    for (let i = 0; i < 5; i += 1) send();
    await first.kill();
    for (let i = 0; i < 5; i += 1) send();
    await until(isAt(second), 'the other broker');
    for (let i = 0; i < 5; i += 1) send();
    await until(isComplete(15), 'every window');
    await first.restart();
    await until(isAt(first), 'the return');
    send();
    await until(isComplete(16), 'the last window');
    expect(atSecond.presence).toEqual(['ONLINE', 'OFFLINE']);
    expect(atFirst.presence.at(-1)).toBe('ONLINE');
    await until(() => telemetry.status.streams?.metrics.delivered === 16, 'the acknowledgements');
    expect(telemetry.status.streams?.metrics).toMatchObject({ produced: 16, delivered: 16, dropped: 0 });
  }, 60_000);
});

/** A TLS server that is no broker, and notes whether anything came in the clear. */
async function tlsServer(own: Certified): Promise<{ url: string; firstBytes: number[] }> {
  const firstBytes: number[] = [];
  const secured = createTlsServer({ cert: own.certificate, key: own.key }, (socket) => {
    socket.on('error', () => undefined);
  }).on('tlsClientError', () => undefined);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      firstBytes.push(bytes[0] ?? 0);
      socket.pause();
      socket.unshift(bytes);
      secured.emit('connection', socket);
    });
  }).listen(0);
  await once(server, 'listening');
  open.push({ close: () => Promise.resolve(server.close()) });
  return { url: `mqtts://127.0.0.1:${String((server.address() as AddressInfo).port)}`, firstBytes };
}

/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

describe('a broker whose certificate is wrong', () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-authority-'));
  const authority = certify('authority');
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.certificate);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['has expired', certify('broker', authority, Date.now() - 10 * 86_400_000), '127.0.0.1', /expired/],
    ['is signed by itself', certify('broker'), '127.0.0.1', /self.signed/],
    ['is of another authority', certify('broker', certify('another')), '127.0.0.1', /unable to verify/],
    ['has another name', certify('broker', authority), '127.0.0.2', /127\.0\.0\.2 is not in the cert's list/],
  ])('is refused if it %s, and nothing is sent in the clear', async (_what, own, host, reason) => {
    const { url, firstBytes } = await tlsServer(own);
    const telemetry = client(settings(url.replace('127.0.0.1', host), { caFile }));
    telemetry.send('state', stateBody);
    // the attempts after the first are no different
    await until(() => firstBytes.length > 1 && telemetry.status.code !== null, 'two attempts');
    expect(telemetry.status).toMatchObject({ connected: false, code: 'GOSHAWK_BROKER_REFUSED' });
    expect(telemetry.status.reason).toMatch(reason);
    expect(new Set(firstBytes)).toEqual(new Set([HANDSHAKE]));
  });
});

describeWith(MOSQUITTO, 'authentication', () => {
  const CLOSED = 'allow_anonymous false\npassword_file FOLDER/passwords';

  it('logs in with a password that is not part of the address', async () => {
    const broker = await mosquitto(CLOSED, { passwords: passwordLine('robot', 'hush'), secret: 'hush\n' });
    const { started, lines } = await service(
      { url: broker.url },
      { GOSHAWK_MQTT_USERNAME: 'robot', GOSHAWK_MQTT_PASSWORD_FILE: broker.file('secret') },
    );
    await until(() => started.telemetry?.connected === true, 'the link');
    expect(lines).toContain(`telemetry: connected to ${broker.url} by MQTT 5`);
  });

  it('reports that the broker refuses a wrong or missing password, and not that it is away', async () => {
    const broker = await mosquitto(CLOSED, { passwords: passwordLine('robot', 'hush') });
    const wrong = { GOSHAWK_MQTT_USERNAME: 'robot', GOSHAWK_MQTT_PASSWORD: 'loud' };
    for (const environment of [wrong, {}]) {
      const { started, lines } = await service({ url: broker.url }, environment);
      await until(() => lines.length > 0, 'a line');
      expect(lines[0]).toMatch(/^GOSHAWK_BROKER_REFUSED: .*not authorized/i);
      expect(lines.join()).not.toContain('loud');
      await started.close();
    }
  });

  it('reports that the broker accepts no messages on its topics, although the link is up', async () => {
    const rights = 'topic write fleet/v1/yard/other/#\n';
    const broker = await mosquitto('allow_anonymous true\nacl_file FOLDER/rights', { rights });
    const { started, lines } = await service({ url: broker.url });
    await until(() => started.telemetry?.code === 'GOSHAWK_BROKER_REFUSED', 'the refusal');
    expect(started.telemetry?.connected).toBe(true);
    expect(lines.at(-1)).toMatch(
      /^GOSHAWK_BROKER_REFUSED: .*fleet\/v1\/yard\/r1\/detector\/connection.*not authorized/i,
    );
  });

  it('presents its certificate to a broker that requests one, and trusts the configured CA', async () => {
    const authority = certify('authority');
    const [server, robot] = [certify('broker', authority), certify('robot', authority)];
    const broker = await mosquitto(
      [
        'allow_anonymous false',
        'use_identity_as_username true',
        'require_certificate true',
        'cafile FOLDER/ca.pem',
        'certfile FOLDER/server.pem',
        'keyfile FOLDER/server.key',
      ].join('\n'),
      {
        'ca.pem': authority.certificate,
        'server.pem': server.certificate,
        'server.key': server.key,
        'robot.pem': robot.certificate,
        'robot.key': robot.key,
        'other.pem': certify('another authority').certificate,
      },
    );
    const url = broker.url.replace('mqtt:', 'mqtts:');
    const [caFile, certFile, keyFile] = ['ca.pem', 'robot.pem', 'robot.key'].map((name) => broker.file(name));
    const files = { caFile: caFile!, certFile: certFile!, keyFile: keyFile! };
    const { started, lines } = await service({ url, ...files });
    await until(() => started.telemetry?.connected === true, 'the link');
    expect(lines).toEqual([`telemetry: connected to ${url} by MQTT 5`]);
    await started.close();

    const untrusting = await service({ url, ...files, caFile: broker.file('other.pem') });
    await until(() => untrusting.lines.length > 0, 'a line');
    expect(untrusting.lines[0]).toMatch(/^GOSHAWK_BROKER_REFUSED: .*TLS: /);
    const nameless = await service({ url, caFile: files.caFile });
    await until(() => nameless.lines.length > 0, 'a line');
    expect(nameless.started.telemetry?.connected).toBe(false);
    await expect(service({ url, ...files, keyFile: broker.file('server.key') })).rejects.toMatchObject({
      code: 'GOSHAWK_PARAMETER_INVALID',
    });
  });
});

describe('telemetry over the embedded broker (MQTT 3.1.1)', () => {
  it('falls back to 3.1.1', async () => {
    const broker = await EmbeddedBroker.listen(0);
    open.push(broker);
    const heard = await listener(broker.url, 4);
    const telemetry = client(settings(broker.url));
    telemetry.send('state', stateBody);
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
