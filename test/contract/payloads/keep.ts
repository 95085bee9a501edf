/**
 * Keeps the payloads of a version of the contract: `VERSION/STREAM.json`, messages of a real run, and
 * `VERSION/STREAM.schema.json`, what its readers accept. What is kept is never changed: a change of a schema needs a
 * new `PAYLOAD_VERSION`.
 *
 *     node test/contract/payloads/keep.ts [CHECKOUT]
 *
 * The kept versions before 1.3.0 were made with checkouts of the commits before the version was raised.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { z } from 'zod';
import { freePort } from '../../../src/platform/free-port.ts';
import { messagesOf } from '../../support/telemetry-messages.ts';
import { Mosquitto } from '../../support/mosquitto.ts';

const MAX_MESSAGES = 3;
const SENDER = { site: 'yard', robot: 'r7', node: 'run' };
const checkout = resolve(process.argv[2] ?? join(import.meta.dirname, '../../..'));
const source = (file: string): string => join(checkout, 'src', file);

interface OldSender {
  add(messages: readonly object[]): void;
}

interface OldFetcher {
  start(publish: (topic: string, payload: string) => void): void;
  fetch(sender: object, clip: object, putUrl: undefined): Promise<unknown>;
  take(topic: string, payload: Uint8Array): unknown;
  stop(): void;
}

/** What modules of any version export. */
interface Exports {
  readonly STREAM_NAMES?: readonly string[];
  readonly historySchema?: z.ZodType;
  readonly AckSender?: new (link: object, bootId: string) => OldSender;
  readonly ClipFetcher?: new (options: object) => OldFetcher;
  readonly payloadSchemaOf?: (stream: string) => z.ZodType;
  readonly connectionSchema?: z.ZodType;
  readonly stateSchema?: z.ZodType;
  readonly metricsSchema?: z.ZodType;
}

const load = async (file: string): Promise<Exports> =>
  existsSync(source(file)) ? ((await import(source(file))) as Exports) : {};

function versionOf(): string {
  const files = ['contract/telemetry/header.ts', 'device/telemetry/telemetry-main.ts'].map(source);
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  const version = texts.map((text) => /_VERSION = '(\d+\.\d+\.\d+)'/.exec(text)?.[1]).find(Boolean);
  if (version === undefined) throw new Error(`${checkout} has no version of payloads`);
  return version;
}

/** By stream. Before 1.2.0 the schemas were in one file. */
async function schemas(): Promise<Map<string, z.ZodType>> {
  const { payloadSchemaOf } = await load('contract/telemetry/payloads.ts');
  const { historySchema } = await load('contract/telemetry/history.ts');
  const { STREAM_NAMES } = await load('contract/telemetry/streams.ts');
  const old = await load('contract/telemetry.ts');
  const named = (STREAM_NAMES ?? []).map((name) => [
    name,
    name === 'history' ? historySchema : payloadSchemaOf?.(name),
  ]);
  const all = [
    ...named,
    ...[
      ['connection', old.connectionSchema],
      ['state', old.stateSchema],
      ['metrics', old.metricsSchema],
    ],
  ];
  return new Map(all.filter((entry): entry is [string, z.ZodType] => entry[1] !== undefined));
}

/** A robot that is killed while it is offline, and then runs with a broker, and has a clip that a fleet fetches. */
async function messages(): Promise<Map<string, unknown[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-keep-'));
  const broker = await Mosquitto.start();
  const kept = new Map<string, unknown[]>();
  const keep = (stream: string, message: unknown): void => {
    const list = kept.get(stream) ?? [];
    if (list.length < MAX_MESSAGES) list.push(message);
    kept.set(stream, list);
  };
  const listener = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
  const { ClipFetcher } = await load('fleet/clips/clip-fetcher.ts');
  const fetcher =
    ClipFetcher &&
    new ClipFetcher({
      folder,
      budgetBytes: 1e9,
      nowMs: () => performance.now(),
      say: (line: string) => process.stdout.write(`${line}\n`),
    });
  fetcher?.start((topic, payload) => listener.publish(topic, payload, { qos: 1 }));
  listener.on('message', (topic, payload) => {
    const stream = topic.slice(topic.lastIndexOf('/') + 1);
    const own = messagesOf(topic, payload);
    if (stream === 'history')
      keep(
        'history',
        own.map(([at, text]) => ({ stream: at.slice(at.lastIndexOf('/') + 1), payload: text })),
      );
    for (const [at, text] of own) keep(at.slice(at.lastIndexOf('/') + 1), JSON.parse(text));
    if (stream === 'clip') void fetcher?.fetch(SENDER, JSON.parse(payload.toString()) as object, undefined);
    if (stream === 'clip-chunk') fetcher?.take(topic, payload);
  });
  await listener.subscribeAsync('fleet/#', { qos: 1 });
  // The oldest versions only ran once they were built.
  const built = join(checkout, 'dist/cli.js');
  const program = existsSync(built) ? built : source('cli.ts');
  const hasCapture = existsSync(source('cli/capture.ts'));
  const clips = ['--capture-dir', join(folder, 'clips')];
  const few = ['--capture-before-s', '4', '--capture-after-s', '2', '--capture-privacy', 'no-pixels'];
  const watch = hasCapture ? ['--drift-window-s', '5', ...clips, ...few] : [];
  const hasSilence = readFileSync(source('cli/run.ts'), 'utf8').includes('--silent-after');
  const silence = hasSilence ? ['--silent-after', '1'] : [];
  const run = (url: string, seconds: number) =>
    spawn(
      process.execPath,
      [
        ...[program, 'run', '--camera', 'sim', '--rate', '0.33', ...silence, ...watch],
        ...['--telemetry', url, '--site', 'yard', '--robot', 'r7', '--seconds', String(seconds)],
      ],
      { cwd: checkout, stdio: 'inherit', env: { ...process.env, XDG_STATE_HOME: folder } },
    );
  const offline = run(`mqtt://127.0.0.1:${String(await freePort())}`, 60);
  await sleep(20_000);
  offline.kill('SIGKILL');
  const online = once(run(broker.url, 22), 'exit');
  await sleep(12_000);
  if (hasCapture)
    spawn(process.execPath, [program, 'capture', ...clips], { cwd: checkout, stdio: 'inherit' });
  await online;
  fetcher?.stop();
  await sleep(500);
  await listener.endAsync();
  await broker.stop();
  rmSync(folder, { recursive: true });
  await keepAck(keep);
  return kept;
}

/** What the fleet's end of that version answers. */
async function keepAck(keep: (stream: string, message: unknown) => void): Promise<void> {
  const { AckSender } = await load('fleet/ingest/acks.ts');
  if (AckSender === undefined) return;
  const link = {
    canPublish: true,
    publish: (_topic: string, payload: string) => keep('ack', JSON.parse(payload)),
  };
  const bootId = randomUUID();
  const stored = [3, 4, 5, 9].map((id) => ({
    sender: SENDER,
    stream: 'metrics',
    bootId,
    firstId: id,
    lastId: id,
  }));
  new AckSender(link, randomUUID()).add([...stored, { ...stored[0], stream: 'event' }]);
}

const version = versionOf();
const folder = join(import.meta.dirname, version);
mkdirSync(folder, { recursive: true });
const write = (name: string, content: unknown): void => {
  const file = join(folder, name);
  if (existsSync(file)) process.stdout.write(`${file} is kept already\n`);
  else writeFileSync(file, `${JSON.stringify(content, null, 1)}\n`);
};
for (const [stream, schema] of await schemas())
  write(`${stream}.schema.json`, z.toJSONSchema(schema, { io: 'input' }));
for (const [stream, list] of await messages()) write(`${stream}.json`, list);
