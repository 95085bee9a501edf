import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveRelay } from '../../../src/device/live/live-relay.ts';
import { LiveStreams } from '../../../src/device/web/live-streams.ts';

/** More than a response accepts before it applies back pressure, so that every image meets a slow viewer. */
const LARGE = new Uint8Array(400_000);

let server: Server;
let relay: LiveRelay;
let streams: LiveStreams;
let response: ServerResponse;
let sent = 0;
let watchers = 0;

function show(cameras: readonly string[]): void {
  relay.show({
    cameras: () => cameras,
    watch: () => {
      watchers += 1;
      return () => (watchers -= 1);
    },
    newest: () => null,
    next: async () => {
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return LARGE;
    },
  });
}

beforeEach(async () => {
  sent = 0;
  relay = new LiveRelay();
  show(['front']);
  streams = new LiveStreams(relay);
  server = createServer((_request, answer) => {
    response = answer;
    streams.send('front', answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  streams.close();
  server.close();
});

/** A viewer that counts what it reads. */
async function view(): Promise<{ viewer: IncomingMessage; read: () => number }> {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const [viewer] = (await once(get({ host: '127.0.0.1', port }), 'response')) as [IncomingMessage];
  let bytes = 0;
  viewer.on('data', (chunk: Buffer) => (bytes += chunk.length));
  viewer.on('error', () => undefined);
  return { viewer, read: () => bytes };
}

const listeners = (): number[] => ['close', 'drain', 'error'].map((event) => response.listenerCount(event));

describe('a live stream', () => {
  it('leaves no listener behind, however slow its viewer is', async () => {
    const { viewer } = await view();
    await expect.poll(() => sent).toBeGreaterThan(2);
    const before = listeners()[0];
    await expect.poll(() => sent, { timeout: 20_000 }).toBeGreaterThan(40);
    // While paused, the stream waits only for the viewer.
    viewer.pause();
    await expect.poll(() => response.listenerCount('drain')).toBe(1);
    expect(listeners()[0]).toBe(before);
    expect(listeners()[2]).toBeLessThanOrEqual(2);
    viewer.destroy();
    await expect.poll(() => watchers).toBe(0);
  });

  it('continues when another model is loaded', async () => {
    const { viewer, read } = await view();
    await expect.poll(read).toBeGreaterThan(LARGE.length);
    relay.hide();
    await expect.poll(() => watchers).toBe(0);
    show(['front']);
    expect(watchers).toBe(1);
    const before = read();
    await expect.poll(read, { timeout: 60_000 }).toBeGreaterThan(before + 2 * LARGE.length);
    viewer.destroy();
  });

  it('ends when its camera is no longer configured', async () => {
    const { viewer } = await view();
    const ended = once(viewer, 'end');
    show(['rear']);
    await ended;
    await expect.poll(() => watchers).toBe(0);
  });
});
