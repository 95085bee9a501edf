import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageAnnotations } from '@foxglove/schemas/jsonschema.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clipRecordSchema, type ClipRecord } from '../../src/contract/clips.ts';
import { driftReplaySchema, type DriftReplayReport } from '../../src/contract/drift/replay.ts';
import { describeWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { TELEMETRY_PEER, TELEMETRY_PEER_PYTHON } from '../support/telemetry-consumer.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

const READER = join(import.meta.dirname, '../peers/read_clip.py');

interface Read {
  readonly complete: boolean;
  /** messages that readers find by the index */
  readonly indexed: number;
  readonly metadata: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly topics: Readonly<
    Record<string, { readonly type: string; readonly count: number; readonly first: object }>
  >;
}

/** What Foxglove's Python packages read in a clip, front to back. */
function readClip(file: string): Read {
  const { stdout, stderr, status } = spawnSync(TELEMETRY_PEER_PYTHON, [READER, file], {
    encoding: 'utf8',
    input: JSON.stringify(ImageAnnotations),
  });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Read;
}

let folder = '';
let clips = '';
let bundle = '';
let robot: ChildProcess;
let output = '';

function goshawk(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: 'pipe' });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  return child;
}

async function until<T>(look: () => T | undefined, what: string): Promise<T> {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited in vain for ${what}:\n${output.slice(-2000)}`);
}

const recordOf = (file: string): string => file.replace(/\.mcap$/, '.json');

/** The record of a clip once it is complete. */
function completed(file: string): ClipRecord | undefined {
  const record = recordOf(file);
  if (!existsSync(record)) return undefined;
  const clip = clipRecordSchema.parse(JSON.parse(readFileSync(record, 'utf8')));
  return clip.complete ? clip : undefined;
}

/** A chunk has one or two of these frames: half a clip of so many has a whole one. */
const ENOUGH_FRAMES = 8;

/** Has clips recorded until one is long enough to be cut: while the model loads, there are no frames, or hardly any. */
async function recorded(): Promise<{ readonly file: string; readonly record: ClipRecord }> {
  for (;;) {
    const asked = goshawk(['capture', '--capture-dir', clips, '--text', 'a test', '--protect']);
    let printed = '';
    asked.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
    const [code] = (await once(asked, 'close')) as [number | null];
    if (code !== 0) continue;
    const file = printed.trim();
    expect(existsSync(file)).toBe(true);
    const record = await until(() => completed(file), 'the clip');
    if (record.frames >= ENOUGH_FRAMES) return { file, record };
    rmSync(file);
    rmSync(recordOf(file));
  }
}

/** What `goshawk drift replay` says of a clip. */
async function replayed(clip: string): Promise<DriftReplayReport & { readonly exitCode: number | null }> {
  const report = join(folder, 'replay.json');
  const child = goshawk(['drift', 'replay', clip, '--bundle', bundle, '--report', report]);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, ...driftReplaySchema.parse(JSON.parse(readFileSync(report, 'utf8'))) };
}

describeWith([TELEMETRY_PEER], 'goshawk capture', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-clips-'));
    clips = join(folder, 'clips');
    bundle = (await writeTinyBundle(join(folder, 'models'))).folder;
    const camera = ['--camera', 'sim', '--rate', '10', '--size', '320x180', '--bundle', bundle];
    const capture = ['--capture-dir', clips, '--capture-before-s', '1', '--capture-after-s', '1.5'];
    robot = goshawk(['run', ...camera, ...capture, '--seconds', '600', '--workers', '1', '--threads', '1']);
    await until(() => (existsSync(join(clips, 'requests')) ? true : undefined), 'the detector');
  });

  afterAll(async () => {
    const ended = once(robot, 'exit');
    robot.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a running detector record a clip that other readers read, and so they do if it is cut', async () => {
    const { file, record } = await recorded();
    expect(record).toMatchObject({
      reason: 'manual',
      text: 'a test',
      cameras: ['camera'],
      isProtected: true,
    });
    const whole = readClip(file);
    expect(whole).toMatchObject({
      complete: true,
      metadata: { 'goshawk.clip': { clip: record.clip, bundleDigest: record.bundle?.digest } },
    });
    const of = (topic: string) => whole.topics[`/camera/${topic}`];
    expect(of('image/compressed')).toMatchObject({
      type: 'sensor_msgs/msg/CompressedImage',
      count: record.frames,
      first: { format: 'jpeg', start: [0xff, 0xd8, 0xff] },
    });
    for (const topic of ['detections', 'annotations', 'statistics'])
      expect(of(topic)?.count).toBe(record.frames);
    expect(whole.indexed).toBe(4 * record.frames);
    expect(of('statistics')?.first).toHaveProperty('features.brightness');

    expect(await replayed(file)).toMatchObject({ exitCode: 0, recordings: [{ outcome: 'complete' }] });
    truncateSync(file, Math.floor(record.bytes / 2));
    const cut = readClip(file);
    expect(cut.complete).toBe(false);
    expect(cut.metadata).toEqual(whole.metadata);
    const left = cut.topics['/camera/statistics']?.count ?? 0;
    expect(left).toBeLessThan(record.frames);
    const published = cut.topics['/camera/image/compressed']?.count ?? 0;
    expect(published).toBeGreaterThan(0);
    const { recordings } = await replayed(file);
    expect(recordings).toMatchObject([{ outcome: 'incomplete', frames: { published } }]);
  });

  it('says why there is no clip', async () => {
    const none = spawnSync(process.execPath, [CLI, 'capture', '--capture-dir', join(folder, 'none')], {
      encoding: 'utf8',
    });
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining('GOSHAWK_CAPTURE_OFF')]);
    const asked = goshawk(['capture', '--capture-dir', clips, '--camera', 'rear']);
    const [code] = (await once(asked, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(output).toContain('there is no such camera');
  });
});
