import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  clipChunkBodySchema,
  MAX_REQUESTED_BYTES,
  type ClipChunk,
  type ClipRequest,
} from '../../../src/contract/telemetry/clips.ts';
import { ClipSender, type ClipSenderPorts } from '../../../src/device/capture/clip-sender.ts';
import { ClipStore } from '../../../src/device/capture/clip-store.ts';
import { sha256Of } from '../../../src/platform/digest.ts';
import { capturing, jpegOf } from './captured.ts';

/** A store with one clip, and a sender of it to a fleet that may be away. */
async function sending(more: Partial<Pick<ClipSenderPorts, 'privacy' | 'putHosts' | 'wait'>> = {}) {
  const { clip, part, folder } = await capturing();
  await clip(await Promise.all(Array.from({ length: 12 }, (_, i) => jpegOf(i))), []);
  await part.stop();
  const store = await ClipStore.open(folder, 1 << 30, () => undefined);
  const record = store.clips[0] ?? expect.unreachable('there is a clip');
  const chunks: ClipChunk[] = [];
  const fleet = { takes: Infinity };
  const sender = new ClipSender(store, {
    publish: (chunk) => {
      if (chunks.length >= fleet.takes) return Promise.resolve(false);
      chunks.push(clipChunkBodySchema.parse(chunk));
      return Promise.resolve(true);
    },
    wait: () => Promise.resolve(),
    privacy: 'none',
    putHosts: ['127.0.0.1', 'storage.example'],
    ...more,
  });
  /** asks, and waits for the last chunk of the answer */
  const ask = async (more: Partial<ClipRequest> = {}): Promise<ClipChunk[]> => {
    const request = randomUUID();
    const first = chunks.length;
    sender.take({ request, clip: record.clip, offset: 0, maxBytes: MAX_REQUESTED_BYTES, ...more });
    await expect
      .poll(() => chunks.slice(first).some((one) => one.request === request && one.isLast))
      .toBe(true);
    return chunks.slice(first).filter((one) => one.request === request);
  };
  const bytes = await readFile(store.pathOf(record));
  return { store, record, sender, ask, chunks, fleet, bytes, folder };
}

const joined = (chunks: readonly ClipChunk[]): Buffer =>
  Buffer.concat(chunks.map(({ data }) => Buffer.from(data, 'base64')));

async function listen(
  answer: (request: IncomingMessage) => Promise<number>,
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    void answer(request).then((status) => response.writeHead(status, { location: '/elsewhere' }).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/put?signature=x`,
    server,
  };
}

describe('a clip that the fleet asks for', () => {
  it('comes in chunks, whole or from where a transfer broke off', async () => {
    const { ask, bytes, record } = await sending();
    const all = await ask();
    expect(all.length).toBeGreaterThan(2);
    expect(sha256Of(joined(all))).toBe(record.sha256);
    expect(all.map(({ total }) => total)).toEqual(all.map(() => bytes.length));
    const middle = await ask({ offset: 1000, maxBytes: 50_000 });
    expect(joined(middle)).toEqual(bytes.subarray(1000, 51_000));
    expect(middle.map(({ offset }) => offset)).toEqual([1000, 33_768]);
  });

  it('stops where the link goes down, and goes on when it is asked for the rest', async () => {
    const { ask, sender, chunks, fleet, bytes, record } = await sending();
    fleet.takes = 2;
    sender.take({ request: randomUUID(), clip: record.clip, offset: 0, maxBytes: MAX_REQUESTED_BYTES });
    await expect.poll(() => chunks.length).toBe(2);
    fleet.takes = Infinity;
    const rest = await ask({ offset: joined(chunks).length });
    expect(joined([...chunks.slice(0, 2), ...rest])).toEqual(bytes);
  });

  it.each(['../secrets', '/etc/passwd', 'a/b', '', '.', 'nobody-knows-it'])(
    'is refused if it is not one that was offered: %j',
    async (clip) => {
      const { ask } = await sending();
      const [only] = await ask({ clip });
      expect(only).toMatchObject({ data: '', total: 0, refused: { code: 'GOSHAWK_CLIP_UNKNOWN' } });
    },
  );

  it('is refused beyond its end, when its file is gone, and when too many wait', async () => {
    const { ask, store, record, sender, chunks, fleet } = await sending();
    expect((await ask({ offset: record.bytes }))[0]?.refused?.code).toBe('GOSHAWK_CLIP_NOT_SENT');
    const many: string[] = Array.from({ length: 12 }, () => randomUUID());
    many.forEach((request, i) => {
      sender.take({ request, clip: `unknown-${String(i)}`, offset: 0, maxBytes: 1 });
    });
    await expect.poll(() => chunks.filter(({ request }) => many.includes(request)).length).toBe(12);
    const reasons = chunks
      .filter(({ request }) => many.includes(request))
      .map(({ refused }) => refused?.code);
    expect(reasons.filter((code) => code === 'GOSHAWK_CLIP_NOT_SENT')).toHaveLength(3);
    await store.discard(record.clip);
    expect((await ask())[0]?.refused?.code).toBe('GOSHAWK_CLIP_UNKNOWN');
    expect(fleet.takes).toBe(Infinity);
  });

  it('is sent for the newest request alone: it takes the place of those before it', async () => {
    const pauses: (() => void)[] = [];
    const wait = (): Promise<void> => new Promise((resolve) => void pauses.push(resolve));
    const { sender, chunks, record, bytes } = await sending({ wait });
    const [running, waiting, last] = [randomUUID(), randomUUID(), randomUUID()];
    const take = (request: string, offset: number): void => {
      sender.take({ request, clip: record.clip, offset, maxBytes: MAX_REQUESTED_BYTES });
    };
    take(running, 0);
    await expect.poll(() => pauses.length).toBe(1);
    take(waiting, 0);
    take(last, bytes.length - 10);
    pauses[0]!();
    await expect.poll(() => chunks.at(-1)).toMatchObject({ request: last, isLast: true });
    expect(chunks.map(({ request }) => request)).toEqual([running, last]);
  });

  it.each([
    ['none', true],
    ['blur', false],
    ['no-pixels', false],
  ] as const)(
    'that hides nothing is sent by a robot that has capture_privacy %s: %s',
    async (privacy, isSent) => {
      const { ask, bytes } = await sending({ privacy });
      for (const more of [{}, { putUrl: 'https://127.0.0.1:9/put' }]) {
        const answer = await ask(more);
        if (!isSent) expect(answer[0]?.refused?.reason).toContain(`the robot has ${privacy} now`);
        else if (!('putUrl' in more)) expect(joined(answer)).toEqual(bytes);
      }
    },
  );

  it('is not removed to make room while it is sent', async () => {
    const { store, record, folder } = await sending();
    await store.reading(record.clip, async () => {
      expect(await store.makeRoom(1 << 30, 'new')).toBe(false);
      expect(await readdir(folder)).toContain(`${record.clip}.mcap`);
    });
    expect(await store.makeRoom(1 << 30, 'new')).toBe(true);
    expect(await readdir(folder)).not.toContain(`${record.clip}.mcap`);
  });
});

describe('a clip that is put at a URL', () => {
  it('arrives whole, and the fleet learns of it', async () => {
    const { ask, bytes } = await sending();
    let received = Buffer.alloc(0);
    const { url } = await listen(async (request) => {
      for await (const piece of request) received = Buffer.concat([received, piece as Buffer]);
      return request.method === 'PUT' ? 200 : 405;
    });
    expect(await ask({ putUrl: url })).toEqual([expect.objectContaining({ isLast: true, data: '' })]);
    expect(received.equals(bytes)).toBe(true);
  });

  it.each([
    ['http://storage.example/put', /not https/],
    ['ftp://127.0.0.1/put', /not https/],
    ['https://127.0.0.1:2/put?signature=secret', /^(?!.*secret).*cannot be reached \(ECONNREFUSED\)/],
    ['https://user:secret@storage.example/put', /^(?!.*secret).*has a user name or a password/],
    ['https://192.168.1.1/admin', /192\.168\.1\.1 is not in capture_put_hosts/],
    ['http://localhost/put', /localhost is not in capture_put_hosts/],
    ['https://evil.storage.example/put', /is not in capture_put_hosts/],
  ])('goes nowhere else than where it may: %s', async (putUrl, reason) => {
    const { ask } = await sending();
    expect((await ask({ putUrl }))[0]?.refused).toMatchObject({
      code: 'GOSHAWK_CLIP_NOT_SENT',
      reason: expect.stringMatching(reason) as string,
    });
  });

  it('goes to one port if a host is named with it, and nowhere if none is', async () => {
    const { url } = await listen(async (request) => {
      for await (const piece of request) void piece;
      return 200;
    });
    const { host } = new URL(url);
    const answers = [];
    for (const putHosts of [[host], ['127.0.0.1:9'], []]) {
      const [only] = await (await sending({ putHosts })).ask({ putUrl: url });
      answers.push(only?.refused?.reason ?? 'put');
    }
    const refusal = expect.stringMatching(/not in capture_put_hosts/) as string;
    expect(answers).toEqual(['put', refusal, refusal]);
  });

  it('is refused by a server that says no, and by one that sends it elsewhere', async () => {
    const { ask } = await sending();
    for (const status of [403, 307]) {
      const { url } = await listen(async (request) => {
        for await (const piece of request) void piece;
        return request.url === '/elsewhere' ? 200 : status;
      });
      expect((await ask({ putUrl: url }))[0]?.refused?.code).toBe('GOSHAWK_CLIP_NOT_SENT');
    }
  });

  it('is refused if its file is not what was offered', async () => {
    const { ask, store, record } = await sending();
    const { appendFile } = await import('node:fs/promises');
    await appendFile(join(store.pathOf(record)), 'x');
    expect((await ask({ putUrl: 'https://storage.example/' }))[0]?.refused?.reason).toContain('was changed');
  });
});
