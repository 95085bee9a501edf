import { mkdtemp, readdir, readFile, rm, utimes, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clipSchema, MAX_CLIP_BYTES, type Clip } from '../../../src/contract/clips.ts';
import { clipFetchSchema } from '../../../src/contract/fleet/clips.ts';
import { CLIP_CHUNK_BYTES, type ClipChunk } from '../../../src/contract/telemetry/clips.ts';
import { payloadSchemaOf, type StreamPayload } from '../../../src/contract/telemetry/payloads.ts';
import { ClipFetcher } from '../../../src/fleet/clips/clip-fetcher.ts';
import { sha256Of } from '../../../src/platform/digest.ts';
import { BYTES, CLIP } from './offered-clip.ts';

const SENDER = { site: 'yard', robot: 'r7', node: 'run' };
const TOPIC = 'fleet/v1/yard/r7/run/clip-chunk';
/** A fetcher and the requests that it sent; `deliver` answers the newest one. */
async function fetching(budgetBytes = 1e9) {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-fetch-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const clock = { ms: 0 };
  const requests: StreamPayload<'clip-request'>[] = [];
  const lines: string[] = [];
  const make = (): ClipFetcher => {
    const fetcher = new ClipFetcher({
      folder,
      budgetBytes,
      nowMs: () => clock.ms,
      say: (line) => lines.push(line),
    });
    fetcher.start((topic, payload) => {
      expect(topic).toBe('fleet/v1/yard/r7/run/clip-request');
      requests.push(payloadSchemaOf('clip-request').parse(JSON.parse(payload)));
    });
    onTestFinished(() => fetcher.stop());
    return fetcher;
  };
  const fetcher = make();
  const give = async (more: Partial<ClipChunk>, to = fetcher, topic = TOPIC): Promise<void> => {
    const { request = '', clip = '' } = requests.at(-1) ?? {};
    const header = { timestamp: '2026-01-01T00:00:00.000Z', version: '1.3.0', manufacturer: 'Goshawk' };
    const identity = { headerId: 0, serialNumber: 'r7', node: 'run', bootId: crypto.randomUUID() };
    const chunk = { request, clip, offset: 0, total: BYTES.length, data: '', isLast: false, ...more };
    await to.take(topic, Buffer.from(JSON.stringify({ ...header, ...identity, ...chunk })));
  };
  const piece = (at: number): Partial<ClipChunk> => {
    const bytes = BYTES.subarray(at, at + CLIP_CHUNK_BYTES);
    return { offset: at, data: bytes.toString('base64'), isLast: at + bytes.length >= BYTES.length };
  };
  const path = join(folder, 'yard/r7/run', `${CLIP.clip}.mcap`);
  return { folder, clock, requests, lines, fetcher, make, give, piece, path };
}

const STARTS = [0, 1, 2, 3].map((i) => i * CLIP_CHUNK_BYTES);

describe('a clip that is fetched', () => {
  it('is put together from its chunks, and kept under its name once the digest is right', async () => {
    const { fetcher, give, piece, path, requests } = await fetching();
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ state: 'offered', bytes: 0 });
    await fetcher.fetch(SENDER, CLIP, undefined);
    for (const at of STARTS) await give(piece(at));
    expect(await fetcher.transferOf(SENDER, CLIP)).toEqual({
      state: 'fetched',
      bytes: BYTES.length,
      reason: null,
    });
    expect(await readFile(path)).toEqual(BYTES);
    expect(requests.map(({ offset }) => offset)).toEqual([0]);
    expect(await fetcher.fetch(SENDER, CLIP, undefined)).toMatchObject({ state: 'fetched' });
  });

  it('goes on where it was, after silence and in another process of the fleet', async () => {
    const { fetcher, make, give, piece, path, requests, clock } = await fetching();
    await fetcher.fetch(SENDER, CLIP, undefined);
    await give(piece(0));
    clock.ms += 30_000;
    fetcher.look();
    expect(requests.map(({ offset }) => offset)).toEqual([0, CLIP_CHUNK_BYTES]);
    await give(piece(STARTS[1]!));
    fetcher.stop();
    const next = make();
    expect(await next.transferOf(SENDER, CLIP)).toMatchObject({ state: 'offered', bytes: STARTS[2] });
    await next.fetch(SENDER, CLIP, undefined);
    expect(requests.at(-1)?.offset).toBe(STARTS[2]);
    for (const at of STARTS.slice(2)) await give(piece(at), next);
    expect(await readFile(path)).toEqual(BYTES);
  });

  it('asks at once for one that was lost, and takes what is still on its way', async () => {
    const { fetcher, give, piece, path, requests } = await fetching();
    await fetcher.fetch(SENDER, CLIP, undefined);
    const first = requests[0]!;
    expect(first.maxBytes).toBe(512 << 10);
    await give(piece(0));
    await give(piece(STARTS[2]!));
    await give({ ...piece(STARTS[3]!), request: first.request });
    expect(requests.map(({ offset }) => offset)).toEqual([0, CLIP_CHUNK_BYTES]);
    await give({ request: first.request, isLast: true, refused: { code: 'GOSHAWK_X', reason: 'replaced' } });
    await give({ ...piece(STARTS[1]!), request: first.request });
    for (const at of STARTS.slice(2)) await give(piece(at));
    expect(await readFile(path)).toEqual(BYTES);
  });

  it('holds no more chunks than one request brings while the disk does not keep up', async () => {
    const { fetcher, give, piece, requests } = await fetching();
    await fetcher.fetch(SENDER, { ...CLIP, bytes: 10 * BYTES.length }, undefined);
    const at = (i: number) => ({ ...piece(0), offset: i * CLIP_CHUNK_BYTES, total: 10 * BYTES.length });
    await Promise.all(Array.from({ length: 20 }, (_, i) => give({ ...at(i), isLast: false })));
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ bytes: 16 * CLIP_CHUNK_BYTES });
    await give(at(20));
    expect(requests.map(({ offset }) => offset)).toEqual([0, 16 * CLIP_CHUNK_BYTES]);
  });

  it('ignores chunks that nobody asked for', async () => {
    const { fetcher, give, piece } = await fetching();
    await give(piece(0));
    await fetcher.fetch(SENDER, CLIP, undefined);
    await give({ ...piece(0), request: crypto.randomUUID() });
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ state: 'fetching', bytes: 0 });
  });

  it('refuses by reason what is no chunk of the sender that the topic names', async () => {
    const { fetcher, give, piece } = await fetching();
    await fetcher.fetch(SENDER, CLIP, undefined);
    const reasonOf = (work: () => unknown) => expect.soft(Promise.resolve().then(work)).rejects;
    const other = TOPIC.replace('r7', 'r8');
    await reasonOf(() => give(piece(0), fetcher, other)).toMatchObject({ reason: 'identity' });
    const wrong = TOPIC.replace('run', ' x');
    await reasonOf(() => give(piece(0), fetcher, wrong)).toMatchObject({ reason: 'topic' });
    await reasonOf(() => fetcher.take(TOPIC, Buffer.from('{"clip": [[['))).toMatchObject({ reason: 'json' });
    await reasonOf(() => give({ offset: -1 })).toMatchObject({ reason: 'schema' });
    await reasonOf(() => fetcher.take(TOPIC, Buffer.alloc(200_000))).toMatchObject({ reason: 'too_large' });
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ state: 'fetching', bytes: 0 });
  });

  it('fails where the bytes are not those that were offered, and leaves nothing', async () => {
    const { fetcher, give, piece } = await fetching();
    await fetcher.fetch(SENDER, { ...CLIP, sha256: sha256Of('other') }, undefined);
    for (const at of STARTS) await give(piece(at));
    const failed = await fetcher.transferOf(SENDER, CLIP);
    expect(failed).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('GOSHAWK_CLIP_DIGEST') as string,
    });
    await fetcher.fetch(SENDER, CLIP, undefined);
    for (const at of STARTS) await give(piece(at));
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ state: 'fetched' });
  });

  it('fails where the robot refuses it, has another one, or does not answer', async () => {
    const { fetcher, give, piece, clock } = await fetching();
    const state = () => fetcher.transferOf(SENDER, CLIP);
    await fetcher.fetch(SENDER, CLIP, undefined);
    await give({ isLast: true, refused: { code: 'GOSHAWK_CLIP_UNKNOWN', reason: 'gone' } });
    expect(await state()).toMatchObject({ state: 'failed', reason: 'GOSHAWK_CLIP_UNKNOWN: gone' });
    await fetcher.fetch(SENDER, CLIP, undefined);
    await give({ ...piece(0), total: 1 });
    expect((await state()).state).toBe('failed');
    await fetcher.fetch(SENDER, CLIP, undefined);
    for (let i = 0; i < 5; i += 1) {
      clock.ms += 30_000;
      fetcher.look();
    }
    expect(await state()).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('does not answer') as string,
    });
  });

  it('ends, and begins anew, where the part that is here is not of this clip', async () => {
    const { fetcher, give, piece, path, requests } = await fetching();
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.part`, Buffer.alloc(BYTES.length));
    expect(await fetcher.fetch(SENDER, CLIP, undefined)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('GOSHAWK_CLIP_DIGEST') as string,
    });
    await writeFile(`${path}.part`, Buffer.alloc(BYTES.length + 1));
    expect(await fetcher.fetch(SENDER, CLIP, undefined)).toMatchObject({ state: 'fetching', bytes: 0 });
    await give(piece(0));
    await give({ ...piece(STARTS[1]!), total: 1 });
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ state: 'failed' });
    expect(await fetcher.fetch(SENDER, CLIP, undefined)).toMatchObject({ state: 'fetching', bytes: 0 });
    expect(requests.map(({ offset }) => offset)).toEqual([0, 0]);
  });

  it('goes on from the middle of a chunk, which a disk that filled up leaves', async () => {
    const { fetcher, give, path, requests } = await fetching();
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.part`, BYTES.subarray(0, 40_000));
    await fetcher.fetch(SENDER, CLIP, undefined);
    expect(requests.at(-1)?.offset).toBe(40_000);
    for (let at = 40_000; at < BYTES.length; at += CLIP_CHUNK_BYTES)
      await give({ offset: at, data: BYTES.subarray(at, at + CLIP_CHUNK_BYTES).toString('base64') });
    expect(await readFile(path)).toEqual(BYTES);
  });

  it('fails where the folder cannot be written, and says so', async () => {
    const { fetcher, give, piece, folder } = await fetching();
    await writeFile(join(folder, 'yard'), 'in the way');
    await fetcher.fetch(SENDER, CLIP, undefined);
    await give(piece(0));
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/ENOTDIR|EEXIST/) as string,
    });
    await rm(join(folder, 'yard'));
    await mkdir(join(folder, 'yard'));
  });

  it('comes after those of its robot that were asked for before, and waits for no other robot', async () => {
    const { fetcher, give, piece, requests } = await fetching();
    const clips = Array.from({ length: 17 }, (_, i) => ({ ...CLIP, clip: `clip-${String(i)}` }));
    const states = (of = clips) => Promise.all(of.map((clip) => stateOf(clip)));
    const stateOf = async (clip: Clip) => (await fetcher.transferOf(SENDER, clip)).state;
    for (const clip of clips.slice(0, 16)) await fetcher.fetch(SENDER, clip, undefined);
    await expect(fetcher.fetch(SENDER, clips[16]!, undefined)).rejects.toMatchObject({
      code: 'GOSHAWK_CLIP_NOT_SENT',
    });
    expect(await states(clips.slice(0, 3))).toEqual(['fetching', 'queued', 'queued']);
    for (const at of STARTS) await give(piece(at));
    await give({ isLast: true, refused: { code: 'GOSHAWK_CLIP_UNKNOWN', reason: 'gone' } });
    expect(await states(clips.slice(0, 3))).toEqual(['fetched', 'failed', 'fetching']);
    expect(requests.map(({ clip }) => clip)).toEqual(['clip-0', 'clip-1', 'clip-2']);
  });

  it('begins where the one before it never came, and is of a bounded number of robots', async () => {
    const { fetcher, clock } = await fetching();
    fetcher.start(() => undefined);
    const robot = (i: number) => ({ ...SENDER, robot: `r${String(i)}` });
    for (let i = 0; i < 16; i += 1)
      expect(await fetcher.fetch(robot(i), CLIP, undefined)).toMatchObject({ state: 'fetching' });
    const next = { ...CLIP, clip: 'next' };
    expect(await fetcher.fetch(robot(0), next, undefined)).toMatchObject({ state: 'queued' });
    const another = () => fetcher.fetch(robot(16), CLIP, undefined);
    await expect(another()).rejects.toMatchObject({ code: 'GOSHAWK_CLIP_NOT_SENT' });
    for (let i = 0; i < 5; i += 1) {
      clock.ms += 30_000;
      fetcher.look();
    }
    await expect.poll(() => fetcher.transferOf(robot(0), next)).toMatchObject({ state: 'fetching' });
    expect(await fetcher.transferOf(robot(0), CLIP)).toMatchObject({ state: 'failed' });
    expect(await another()).toMatchObject({ state: 'fetching' });
  });

  it('is no clip, and leaves nothing, if nobody went on fetching it for a week', async () => {
    const { fetcher, folder, path, lines } = await fetching();
    await mkdir(dirname(path), { recursive: true });
    const old = [`${path}.part`, `${path}.part.part`, path, join(folder, 'notes.part')];
    const fresh = join(dirname(path), 'other.mcap.part');
    for (const file of [...old, fresh]) await writeFile(file, 'x');
    const day = 86_400_000;
    for (const file of old) await utimes(file, 0, new Date(Date.now() - 8 * day));
    await utimes(fresh, 0, new Date(Date.now() - 6 * day));
    await fetcher.tidy();
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ state: 'fetched' });
    const left = (await readdir(folder, { recursive: true })).filter((name) => name.includes('.'));
    const stay = [path, `${path}.part.part`, fresh, join(folder, 'notes.part')];
    expect(left.map((name) => join(folder, name)).sort()).toEqual(stay.sort());
    expect(lines).toEqual([expect.stringMatching(/^removed .* 1 clips/)]);
    await fetcher.tidy();
    expect(lines).toHaveLength(1);
  });

  it('has room within the budget: the oldest go, those that are fetched and files of others stay', async () => {
    const { fetcher, give, piece, folder, path, lines } = await fetching(2.5 * BYTES.length);
    const file = (name: string): string => join(dirname(path), name);
    await mkdir(dirname(path), { recursive: true });
    const old = ['oldest.mcap', 'older.mcap.part', 'old.mcap'];
    for (const [hours, name] of old.entries()) {
      await writeFile(file(name), Buffer.alloc(BYTES.length / 2));
      await utimes(file(name), 0, new Date(Date.now() - (90 - hours) * 3_600_000));
    }
    await writeFile(join(folder, 'notes.txt'), Buffer.alloc(10 * BYTES.length));
    await writeFile(file('no clip.mcap'), Buffer.alloc(10 * BYTES.length));
    expect((await fetcher.fetch(SENDER, CLIP, undefined)).removed).toEqual([]);
    await give(piece(0));
    const second = { ...CLIP, clip: 'second' };
    expect((await fetcher.fetch(SENDER, second, undefined)).removed).toEqual([
      'yard/r7/run/oldest',
      'yard/r7/run/older',
    ]);
    expect(lines).toEqual([
      'removed clip yard/r7/run/oldest to make room for yard/r7/run/second',
      'removed clip yard/r7/run/older to make room for yard/r7/run/second',
    ]);
    expect(fetcher.kept).toMatchObject({ removed: 2, bytes: BYTES.length / 2 + CLIP_CHUNK_BYTES });
    const third = { ...CLIP, clip: 'third' };
    await expect(fetcher.fetch(SENDER, third, undefined)).rejects.toMatchObject({
      code: 'GOSHAWK_CLIPS_FULL',
      message: expect.stringContaining('300000 bytes of 250000') as string,
    });
    expect(fetcher.kept).toMatchObject({ removed: 2 });
    expect((await readdir(dirname(path))).sort()).toEqual(
      [`${CLIP.clip}.mcap.part`, 'no clip.mcap', 'old.mcap'].sort(),
    );
    for (const at of STARTS.slice(1)) await give(piece(at));
    for (const at of STARTS) await give(piece(at));
    expect(await fetcher.transferOf(SENDER, second)).toMatchObject({ state: 'fetched' });
    await utimes(path, 0, new Date(Date.now() - 3_600_000));
    expect((await fetcher.fetch(SENDER, third, undefined)).removed).toEqual([
      'yard/r7/run/old',
      `yard/r7/run/${CLIP.clip}`,
    ]);
    expect(await fetcher.transferOf(SENDER, CLIP)).toEqual({ state: 'offered', bytes: 0, reason: null });
  });

  it('waits its turn for room: of several that are asked for at once, those that fit are fetched', async () => {
    const { fetcher } = await fetching(2 * BYTES.length);
    const names = ['a', 'b', 'c', 'd'];
    const asked = names.map((clip) => fetcher.fetch(SENDER, { ...CLIP, clip }, undefined));
    const outcomes = (await Promise.allSettled(asked)).map(({ status }) => status);
    expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(await fetcher.fetch(SENDER, { ...CLIP, clip: 'c' }, 'https://storage.example/x')).toMatchObject({
      state: 'queued',
    });
  });

  it('is offered with a size that can be fetched: more is refused by the schema', () => {
    const isOffered = (bytes: number) => clipSchema.safeParse({ ...CLIP, bytes }).success;
    expect([MAX_CLIP_BYTES, MAX_CLIP_BYTES + 1].map(isOffered)).toEqual([true, false]);
  });

  it('goes to one place at a time, and to no URL with a password', async () => {
    const { fetcher, requests } = await fetching();
    const url = 'https://storage.example/x';
    await fetcher.fetch(SENDER, CLIP, undefined);
    await expect(fetcher.fetch(SENDER, CLIP, url)).rejects.toMatchObject({ code: 'GOSHAWK_CLIP_NOT_SENT' });
    expect(await fetcher.fetch(SENDER, CLIP, undefined)).toMatchObject({ state: 'fetching' });
    expect(requests).toHaveLength(1);
    const isAccepted = (putUrl: string) => clipFetchSchema.safeParse({ putUrl }).success;
    const urls = [url, url.replace('//', '//ada@'), url.replace('//', '//ada:secret@')];
    expect(urls.map(isAccepted)).toEqual([true, false, false]);
  });

  it('may be put elsewhere, which a fleet without a folder does only', async () => {
    const { fetcher, give, requests } = await fetching();
    await fetcher.fetch(SENDER, CLIP, 'https://storage.example/x?signature=y');
    expect(requests.at(-1)).toMatchObject({ putUrl: 'https://storage.example/x?signature=y', offset: 0 });
    await give({ isLast: true, total: 0 });
    expect(await fetcher.transferOf(SENDER, CLIP)).toMatchObject({ state: 'put' });
    const none = new ClipFetcher({ folder: null, budgetBytes: 0, nowMs: () => 0, say: () => undefined });
    await expect(none.fetch(SENDER, CLIP, undefined)).rejects.toMatchObject({ code: 'GOSHAWK_CLIPS_OFF' });
    expect(await none.transferOf(SENDER, CLIP)).toMatchObject({ state: 'offered' });
  });
});
