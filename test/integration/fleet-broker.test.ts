import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TelemetryClient } from '../../src/device/telemetry/telemetry-client.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { certify } from '../support/certificates.ts';
import { Mosquitto, MOSQUITTO, OPENSSL } from '../support/mosquitto.ts';
import { describeWith } from '../support/needs.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/fleet/make-broker');
const ENTRY = new URL('../../src/device/telemetry/telemetry-main.ts', import.meta.url);

let folder: string;
let port: number;
let broker: Mosquitto;

const make = (...args: string[]) => spawnSync(SCRIPT, args, { encoding: 'utf8' });

const clients: { close(): Promise<unknown> }[] = [];
const at = (name: string): string => join(folder, 'b', name);
const url = (host = 'localhost'): string => `mqtts://${host}:${String(port)}`;

const tls = (name: string): IClientOptions => ({
  ca: readFileSync(at('ca.pem')),
  cert: readFileSync(at(`${name}.pem`)),
  key: readFileSync(at(`${name}.key`)),
});

async function connect(options: IClientOptions, host?: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(
    url(host),
    { protocolVersion: 5, reconnectPeriod: 0, ...options },
    false,
  );
  clients.push({ close: () => client.endAsync(true) });
  return client;
}

/** The reason code with which the broker refuses a message; null if it accepts it. */
async function refusal(client: MqttClient, topic: string): Promise<number | null> {
  try {
    await client.publishAsync(topic, '{}', { qos: 1 });
    return null;
  } catch (error) {
    return (error as { code: number }).code;
  }
}

const NOT_AUTHORIZED = 0x87;

describeWith([MOSQUITTO, OPENSSL], 'the broker of a fleet, as make-broker sets it up', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-broker-'));
    // As root, Mosquitto switches to another user, who must get there.
    chmodSync(folder, 0o711);
    port = await freePort();
    const made = make(join(folder, 'b'), '--port', String(port), '--robot', 'yard/r7', '--robot', 'yard/r8');
    expect(made.stderr).toBe('');
    broker = await Mosquitto.run(join(folder, 'b/mosquitto.conf'), port);
  });

  afterAll(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });

  it('lets a robot send its own streams, and nothing in the name of another', async () => {
    const robot = await connect(tls('robots/yard/r7'));
    for (const stream of ['connection', 'state', 'metrics', 'gap', 'history', 'event', 'clip', 'clip-chunk'])
      expect(await refusal(robot, `fleet/v1/yard/r7/detector/${stream}`)).toBeNull();
    for (const topic of [
      'yard/r8/detector/state',
      'other/r7/detector/state',
      'yard/r7/detector/ack',
      'yard/r7/state',
    ])
      expect(await refusal(robot, `fleet/v1/${topic}`)).toBe(NOT_AUTHORIZED);
    expect(await refusal(robot, 'fleet/v2/yard/r7/detector/state')).toBe(NOT_AUTHORIZED);
  });

  it('gives a robot its own acknowledgements, and those of no other', async () => {
    const [r7, r8] = [await connect(tls('robots/yard/r7')), await connect(tls('robots/yard/r8'))];
    const ingestor = await connect(tls('ingestor'));
    const received: string[] = [];
    r7.on('message', (topic) => received.push(`r7 ${topic}`));
    r8.on('message', (topic) => received.push(`r8 ${topic}`));
    await r7.subscribeAsync('fleet/#', { qos: 1 });
    await r8.subscribeAsync('fleet/v1/yard/r8/detector/ack', { qos: 1 });
    for (const robot of ['r7', 'r8'])
      expect(await refusal(ingestor, `fleet/v1/yard/${robot}/detector/ack`)).toBeNull();
    for (let i = 0; i < 3_000 && received.length < 2; i += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(received.sort()).toEqual(['r7 fleet/v1/yard/r7/detector/ack', 'r8 fleet/v1/yard/r8/detector/ack']);
  });

  it('delivers what every robot sends to the ingestor, which sends nothing as a robot', async () => {
    const ingestor = await connect(tls('ingestor'));
    const topics: string[] = [];
    ingestor.on('message', (topic) => topics.push(topic));
    await ingestor.subscribeAsync('$share/goshawk/fleet/v1/+/+/+/+', { qos: 1 });
    const robot = await connect(tls('robots/yard/r8'));
    await robot.publishAsync('fleet/v1/yard/r8/detector/state', '{}', { qos: 1 });
    for (let i = 0; i < 3_000 && topics.length < 1; i += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(topics).toEqual(['fleet/v1/yard/r8/detector/state']);
    expect(await refusal(ingestor, 'fleet/v1/yard/r8/detector/state')).toBe(NOT_AUTHORIZED);
  });

  it('takes a detector with its certificate', async () => {
    const telemetry = new TelemetryClient(
      {
        ...{ site: 'yard', robot: 'r7', node: 'front', manufacturer: 'Goshawk', bootId: randomUUID() },
        urls: [url()],
        outbox: join(folder, 'outbox'),
        ...{ caFile: at('ca.pem'), certFile: at('robots/yard/r7.pem'), keyFile: at('robots/yard/r7.key') },
      },
      ENTRY,
      () => undefined,
      () => undefined,
    );
    clients.push(telemetry);
    for (let i = 0; i < 3_000 && !telemetry.status.connected; i += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(telemetry.status).toMatchObject({ connected: true, protocol: '5', code: null });
  });

  it('refuses clients without a certificate, and certificates of others or of the past', async () => {
    const ca = readFileSync(at('ca.pem'));
    const day = 86_400_000;
    const self = certify('yard/r7');
    const impostor = certify('Goshawk test authority');
    const forged = certify('yard/r7', impostor);
    const expired = certify('yard/r7', impostor, Date.now() - 10 * day);
    await expect(connect({ ca })).rejects.toThrow();
    for (const { certificate, key } of [self, forged, expired])
      await expect(connect({ ca, cert: certificate, key })).rejects.toThrow();
  });

  it('is refused by clients under a name that is not in its certificate', async () => {
    await expect(connect({ ...tls('robots/yard/r7'), servername: 'broker.example' })).rejects.toThrow(
      /altnames|does not match/i,
    );
    await expect(connect({ ...tls('robots/yard/r7'), ca: certify('other').certificate })).rejects.toThrow();
  });
  describe('make-broker', () => {
    it('keeps what is there, and adds robots later', () => {
      const before = readFileSync(at('broker.pem'), 'utf8') + readFileSync(at('ca.pem'), 'utf8');
      const again = make(join(folder, 'b'), '--port', String(port), '--robot', 'yard/r9');
      expect(again.status).toBe(0);
      expect(again.stdout).not.toContain('authority');
      expect(readFileSync(at('broker.pem'), 'utf8') + readFileSync(at('ca.pem'), 'utf8')).toBe(before);
      expect(existsSync(at('robots/yard/r9.pem'))).toBe(true);
    });

    it('keeps keys to their owner', () => {
      for (const key of ['ca.key', 'ingestor.key', 'robots/yard/r7.key'])
        expect(statSync(at(key)).mode & 0o077).toBe(0);
      expect(statSync(at('broker.key')).mode & 0o007).toBe(0);
    });

    it.each([
      [[], 'no folder named'],
      [['X', '--robot', 'r7'], 'r7 is not SITE/ROBOT'],
      [['X', '--robot', 'yard/#'], 'yard/# is not SITE/ROBOT'],
      [['X', '--robot', 'a/b/c'], 'a/b/c is not SITE/ROBOT'],
      [['X', '--port', '70000'], '70000 is not a port'],
      [['X', '--host', 'a b'], 'a b is not a host name or address'],
      [['X', '--port'], '--port needs a value'],
      [['X', '--what'], 'unknown option --what'],
    ])('refuses %j with its usage', (args, reason) => {
      const made = make(...args.map((arg) => (arg === 'X' ? join(folder, 'none') : arg)));
      expect(made.status).toBe(2);
      expect(made.stderr).toContain(reason);
      expect(existsSync(join(folder, 'none'))).toBe(false);
    });
  });
});
