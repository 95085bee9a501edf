import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { STORED_STREAMS, STREAM_NAMES } from '../../src/contract/telemetry/streams.ts';
import { ledgerOf } from '../../src/device/telemetry/inspect/look.ts';
import { outboxFolder } from '../../src/device/telemetry/outbox/outbox-folder.ts';
import { TelemetryClient } from '../../src/device/telemetry/telemetry-client.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { FleetBrokers } from '../support/fleet-brokers.ts';
import { MOSQUITTO, OPENSSL } from '../support/mosquitto.ts';
import { describeWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { TELEMETRY_PEER, TelemetryConsumer } from '../support/telemetry-consumer.ts';

const ENTRY = new URL('../../src/device/telemetry/telemetry-main.ts', import.meta.url);
const outbox = mkdtempSync(join(tmpdir(), 'goshawk-consumer-'));
let brokers: FleetBrokers;
let consumer: TelemetryConsumer;

/**
 * `goshawk run` with a camera that is silent most of the time, which is an event. The device is looked at every second:
 * of three times, one sees a frame that is younger than a second, and the others do not.
 */
function robotAt(url: string, ...more: string[]): ChildProcess {
  const { caFile, certFile, keyFile } = brokers.tlsOf('robots/yard/r7');
  const camera = ['--camera', 'sim', '--rate', '0.33', '--silent-after', '1', '--size', '320x240'];
  const engine = ['--workers', '1', '--threads', '1', '--queue-depth', '1', '--preprocess', 'graph'];
  const telemetry = ['--telemetry', url, '--telemetry-outbox', outbox, '--site', 'yard', '--robot', 'r7'];
  const tls = [
    '--telemetry-ca-file',
    caFile,
    '--telemetry-cert-file',
    certFile,
    '--telemetry-key-file',
    keyFile,
  ];
  const args = [CLI, 'run', ...camera, ...engine, ...telemetry, ...tls, ...more];
  return spawn(process.execPath, args, { stdio: 'ignore' });
}

const speaker = { site: 'yard', robot: 'r7', node: 'run' };
const place = { ...speaker, folder: outboxFolder(outbox, speaker) };

async function eventRows() {
  const { rows } = await ledgerOf(place).catch(() => ({ rows: [] }));
  return rows.filter(({ stream }) => stream === 'event');
}

describeWith([MOSQUITTO, OPENSSL, TELEMETRY_PEER], 'a consumer that knows only docs/asyncapi.json', () => {
  beforeAll(async () => {
    brokers = await FleetBrokers.start('yard/r7');
    consumer = await TelemetryConsumer.start(brokers.urls, brokers.tlsOf('ingestor'));
  });

  afterAll(async () => {
    await consumer.stop();
    await brokers.stop();
    rmSync(outbox, { recursive: true, force: true });
  });

  it('finds every message of every stream valid, and acknowledges them so that the robot forgets them', async () => {
    const offline = robotAt(`mqtts://localhost:${String(await freePort())}`);
    await consumer.until(async () => (await eventRows()).some(({ waiting }) => waiting > 1), 'two events');
    const killed = once(offline, 'exit');
    offline.kill('SIGKILL');
    await killed;
    const robot = robotAt(brokers.urls[0], '--seconds', '3');
    await once(robot, 'exit');
    // clips are sent where they are recorded and asked for
    const streams = STREAM_NAMES.filter((name) => name !== 'ack' && !name.startsWith('clip'));
    const isThere = (name: string): boolean => {
      const { valid, historical } = consumer.counts;
      return (valid[name] ?? 0) + (historical[name] ?? 0) > 0;
    };
    await consumer.until(() => streams.every(isThere), 'all streams');
    expect(consumer.invalid).toEqual([]);
    // of the boot that was killed while nobody could be reached; on a slow machine more waits, of what is stored
    const historical = Object.keys(consumer.counts.historical);
    expect(historical).toEqual(expect.arrayContaining(['event', 'gap']));
    expect(STORED_STREAMS).toEqual(expect.arrayContaining(historical));
    const [first] = await eventRows();
    expect(first).toMatchObject({ waiting: 0 });
    expect(first?.acknowledged).toBeGreaterThan(0);
  });

  it('loses nothing when a broker of a list is killed: the robot goes on over TLS with the other one', async () => {
    const telemetry = new TelemetryClient(
      {
        ...{ site: 'yard', robot: 'r7', node: 'failover', manufacturer: 'Goshawk', bootId: randomUUID() },
        urls: brokers.urls,
        timing: { firstMs: 300, maxMs: 1_000, lookMs: 60_000 },
        resend: { firstMs: 1_000, lastMs: 5_000 },
        outbox: join(outbox, 'failover'),
        ...brokers.tlsOf('robots/yard/r7'),
      },
      ENTRY,
      () => undefined,
      () => undefined,
    );
    try {
      const isAt = (url: string) => (): boolean =>
        telemetry.status.connected && telemetry.status.broker === url;
      const send = (): void => {
        for (let i = 0; i < 5; i += 1) telemetry.send('event', EVENT);
      };
      await consumer.until(isAt(brokers.urls[0]), 'the first broker');
      send();
      await brokers.brokers[0].kill();
      send();
      await consumer.until(isAt(brokers.urls[1]), 'the second broker');
      send();
      await consumer.until(() => telemetry.status.streams?.event.delivered === 15, 'all acknowledgements');
      expect(telemetry.status.streams?.event).toMatchObject({ produced: 15, dropped: 0, waiting: 0 });
      expect(consumer.invalid).toEqual([]);
    } finally {
      await telemetry.close();
    }
  });

  it('reports what is not as the document says', async () => {
    const { caFile, certFile, keyFile } = brokers.tlsOf('robots/yard/r7');
    const [ca, cert, key] = [caFile, certFile, keyFile].map((file) => readFileSync(file));
    const robot = await mqtt.connectAsync(brokers.urls[1], {
      ca: ca!,
      cert: cert!,
      key: key!,
      protocolVersion: 5,
    });
    const header = {
      ...{ headerId: 0, timestamp: '2026-01-01T00:00:00.000Z', version: '1.0.0', manufacturer: 'x' },
      ...{ serialNumber: 'r7', node: 'run', bootId: randomUUID() },
    };
    const say = (stream: string, payload: object | string): Promise<unknown> =>
      robot.publishAsync(
        `fleet/v1/yard/r7/run/${stream}`,
        typeof payload === 'string' ? payload : JSON.stringify(payload),
        { qos: 1 },
      );
    await say('event', { ...header, ...EVENT, severity: 'dreadful' });
    await say('event', { ...header, ...EVENT, serialNumber: 'r8' });
    await say('event', { ...header, ...EVENT, timestamp: 'yesterday' });
    await say('history', 'not Zstandard');
    await consumer.until(() => consumer.counts.errors === 4, 'four errors');
    await robot.endAsync(true);
    expect(consumer.invalid).toEqual([
      expect.stringContaining("severity: 'dreadful' is not one of"),
      expect.stringContaining('it is of r8/run'),
      expect.stringContaining('timestamp: '),
      expect.stringContaining('invalid fleet/v1/yard/r7/run/history: '),
    ]);
    expect(await consumer.stop()).toBe(1);
  });
});

const EVENT = { kind: 'camera_silent', severity: 'warning', text: 'no frame', values: {} } as const;
