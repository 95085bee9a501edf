import { once } from 'node:events';
import { mkdtemp, open, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Downloads, type DownloadEnd } from '../../../src/fleet/clips/downloads.ts';
import type { FilePart } from '../../../src/platform/file-part.ts';
import { HttpServer } from '../../../src/platform/http/http-server.ts';

/** More than the system holds for a client that does not read. */
const BYTES = 96 << 20;
const STALLED_MS = 60_000;

/** Downloads of a large file, a clock that stands still, and a server that sends the file. */
async function sending() {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-downloads-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'file');
  await writeFile(path, '');
  await truncate(path, BYTES);
  const clock = { ms: 0 };
  const ends: DownloadEnd[] = [];
  const allowed = { is: true };
  const downloads = new Downloads({ nowMs: () => clock.ms, onEnd: (end) => ends.push(end) });
  const isAllowed = () => Promise.resolve(allowed.is);
  const parts: FilePart[] = [];
  const server = await HttpServer.listen({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: [],
    names: { address: 'a', port: 'p', allowedHosts: 'h' },
    page: { html: '', scripts: [], styles: [] },
    routes: [
      {
        path: '/file',
        answer: async () => {
          const range = { start: 0, length: BYTES };
          const file = await open(path, 'r');
          const part = await downloads.begin(file, range, { key: 'a', isAllowed }, () => Promise.resolve());
          if (part === null) throw new Error('there was no room');
          parts.push(part);
          return { headers: { 'content-length': String(BYTES) }, body: part };
        },
      },
    ],
  });
  onTestFinished(() => server.close());
  /** Asks, and reads no more than the system does by itself. */
  const ask = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1').pause();
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    socket.write('GET /file HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await expect.poll(() => parts.at(-1)?.bytesRead ?? 0).toBeGreaterThan(0);
    return socket;
  };
  /** Takes what comes, and says how much it was once that is so much, or the connection is gone. */
  const take = async (socket: Socket, bytes: number): Promise<number> => {
    let taken = 0;
    for (; taken < bytes && !socket.destroyed && !socket.readableEnded;) {
      const piece = socket.read() as Buffer | null;
      taken += piece?.length ?? 0;
      if (piece === null) await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
    }
    return taken;
  };
  return { path, clock, ends, allowed, downloads, parts, ask, take };
}

describe('a file that is downloaded', () => {
  it('is read no faster than the client takes it, and not at all for one that does not', async () => {
    const { clock, ends, downloads, parts, ask } = await sending();
    await ask();
    await expect
      .poll(async () => {
        clock.ms += STALLED_MS;
        await downloads.look();
        return downloads.running;
      })
      .toBe(0);
    expect(ends).toEqual(['stalled']);
    expect(parts[0]!.bytesRead).toBeLessThan(BYTES / 2);
  });

  it('goes on for as long as the client takes something within a minute', async () => {
    const { clock, ends, downloads, ask, take } = await sending();
    const socket = await ask();
    let taken = 0;
    for (let step = 0; step < 3; step += 1) {
      taken += await take(socket, BYTES / 4);
      await downloads.look();
      clock.ms += STALLED_MS - 1;
      await downloads.look();
      expect(downloads.running).toBe(1);
    }
    taken += await take(socket, BYTES - taken);
    expect(taken).toBeGreaterThan(BYTES - 1);
    await expect.poll(() => ends).toEqual(['read']);
  });

  it('ends with the token, and the client sees that there is more', async () => {
    const { ends, allowed, downloads, ask, take } = await sending();
    const socket = await ask();
    await downloads.look();
    expect(downloads.running).toBe(1);
    allowed.is = false;
    await downloads.look();
    expect(await take(socket, BYTES)).toBeLessThan(BYTES);
    await expect.poll(() => ends).toEqual(['dismissed']);
  });

  it('ends with the connection if the file turns out to be shorter', async () => {
    const { path, ends, ask, take } = await sending();
    const socket = await ask();
    await truncate(path, 1_000);
    expect(await take(socket, BYTES)).toBeLessThan(BYTES);
    await expect.poll(() => ends).toEqual(['failed']);
  });

  it('is closed when the client leaves', async () => {
    const { ends, downloads, ask } = await sending();
    (await ask()).destroy();
    await expect.poll(() => ends).toEqual(['left']);
    expect(downloads.running).toBe(0);
  });
});

describe('places for downloads', () => {
  async function begin(downloads: Downloads, path: string, key: string, note = () => Promise.resolve()) {
    const file = await open(path, 'r');
    const part = await downloads
      .begin(file, { start: 0, length: 1 }, { key, isAllowed: () => Promise.resolve(true) }, note)
      .catch((error: unknown) => String(error));
    return { file, part };
  }
  const isClosed = (file: FileHandle): boolean => file.fd === -1;

  it('are four for each token and sixteen for all, and free again after each end', async () => {
    const { path, downloads } = await sending();
    const first = await begin(downloads, path, 'a');
    for (let i = 1; i < 4; i += 1) expect((await begin(downloads, path, 'a')).part).not.toBeNull();
    const fifth = await begin(downloads, path, 'a');
    expect([fifth.part, downloads.hasRoom('a'), downloads.hasRoom('b')]).toEqual([null, false, true]);
    await expect.poll(() => isClosed(fifth.file)).toBe(true);
    for (const key of ['b', 'c', 'd'])
      for (let i = 0; i < 4; i += 1) expect((await begin(downloads, path, key)).part).not.toBeNull();
    expect([(await begin(downloads, path, 'e')).part, downloads.hasRoom('e')]).toEqual([null, false]);
    (first.part as FilePart).destroy();
    await expect.poll(() => downloads.running).toBe(15);
    expect((await begin(downloads, path, 'e')).part).not.toBeNull();
    downloads.stop();
    await expect.poll(() => downloads.running).toBe(0);
  });

  it('are not taken where the audit cannot be written: nothing is sent', async () => {
    const { path, downloads, ends } = await sending();
    const { file, part } = await begin(downloads, path, 'a', () => Promise.reject(new Error('no database')));
    expect(part).toBe('Error: no database');
    await expect.poll(() => [isClosed(file), downloads.running, ends]).toEqual([true, 0, ['failed']]);
  });
});
