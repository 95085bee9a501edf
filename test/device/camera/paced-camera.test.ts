import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeedFrame, FrameFeed } from '../../../src/device/camera/feed.ts';
import { PacedCamera, stampOf } from '../../../src/device/camera/paced-camera.ts';
import type { CameraFrame } from '../../../src/device/camera/source.ts';
import { FakeClock } from '../pipeline/fakes.ts';

/** Numbers its images in their first byte; `hold` keeps the next one back. */
class CountingFeed implements FrameFeed {
  readonly description = 'counting';
  readonly unreadable = 0;
  readonly #dues: readonly number[] | undefined;
  readonly #length: number;
  periodMs: number | undefined;
  asked = 0;
  isClosed = false;
  failAt = Infinity;
  #gate: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  constructor(length = Infinity, dues?: readonly number[]) {
    this.#length = length;
    this.#dues = dues;
  }

  hold(): void {
    this.#gate = new Promise((release) => (this.#release = release));
  }

  release(): void {
    this.#release();
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async next(): Promise<FeedFrame | undefined> {
    await this.#gate;
    const index = this.asked;
    this.asked += 1;
    if (index >= this.failAt) throw new Error('broken');
    if (index >= this.#length) return undefined;
    const image = { width: 1, height: 1, encoding: 'mono8', step: 1, data: Uint8Array.of(index) } as const;
    const dueMs = this.#dues?.[index];
    return dueMs === undefined ? { image } : { image, dueMs };
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#release();
    return Promise.resolve();
  }
}

/** Lets everything run that only waits for promises. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
}

async function advance(clock: FakeClock, ms: number, step = 1): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.advance(Math.min(step, ms - passed));
    await settle();
  }
}

interface Rig {
  readonly clock: FakeClock;
  readonly camera: PacedCamera;
  readonly times: number[];
  readonly frames: CameraFrame[];
  readonly ends: unknown[];
  readonly origin: number;
}

async function startRig(feed: CountingFeed, rate: number): Promise<Rig> {
  const clock = new FakeClock();
  const camera = new PacedCamera(feed, { rate, frameId: 'front', clock });
  const times: number[] = [];
  const frames: CameraFrame[] = [];
  const ends: unknown[] = [];
  const origin = clock.monotonicMs();
  await camera.start(
    (frame) => {
      times.push(clock.monotonicMs() - origin);
      frames.push(frame);
    },
    (error) => ends.push(error),
  );
  await settle();
  return { clock, camera, times, frames, ends, origin };
}

describe('PacedCamera', () => {
  it('keeps to the schedule without drift at any rate', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 1, max: 200, noNaN: true }), async (rate) => {
        const { clock, camera, times } = await startRig(new CountingFeed(), rate);
        await advance(clock, 2000);
        times.forEach((time, turn) => expect(Math.abs(time - (turn * 1000) / rate)).toBeLessThanOrEqual(1));
        expect(camera.counters()).toEqual({ delivered: times.length, skipped: 0, unreadable: 0 });
        expect(Math.abs(times.length - (2 * rate + 1))).toBeLessThanOrEqual(1);
        await camera.stop();
      }),
      { numRuns: 20 },
    );
  });

  it('skips and counts the turns that a blocked process missed, and continues on schedule', async () => {
    const { clock, camera, times } = await startRig(new CountingFeed(), 10);
    await advance(clock, 300);
    expect(times).toEqual([0, 100, 200, 300]);
    clock.now += 750;
    await advance(clock, 250);
    expect(times.slice(4)).toEqual([1050, 1100, 1200, 1300]);
    expect(camera.counters()).toEqual({ delivered: 8, skipped: 6, unreadable: 0 });
  });

  it('counts the turns that a slow feed missed', async () => {
    const feed = new CountingFeed();
    const { clock, camera, times, frames } = await startRig(feed, 10);
    feed.hold();
    await advance(clock, 700);
    const before = times.length;
    feed.release();
    await settle();
    await advance(clock, 300);
    const { delivered, skipped } = camera.counters();
    expect(delivered).toBe(times.length);
    expect(delivered + skipped).toBe(11);
    expect(skipped).toBeGreaterThan(2);
    expect(times.slice(before).every((time, i, all) => i === 0 || time - all[i - 1]! <= 101)).toBe(true);
    expect(frames.map(({ image }) => image.data[0])).toEqual(frames.map((_, i) => i));
  });

  it('stamps frames with the wall clock and names their frame', async () => {
    const { clock, frames } = await startRig(new CountingFeed(), 10);
    await advance(clock, 100);
    expect(frames.map(({ stamp }) => stamp)).toEqual([
      { sec: 1_700_000_000, nanosec: 0 },
      { sec: 1_700_000_000, nanosec: 100_000_000 },
    ]);
    expect(frames[0]!.frameId).toBe('front');
  });

  it('keeps the timing of a recording', async () => {
    const { clock, times } = await startRig(new CountingFeed(5, [0, 30, 35, 90, 200]), 10);
    await advance(clock, 300);
    expect(times).toEqual([0, 30, 35, 90, 200]);
  });

  it('skips a frame that the next frame of a recording overtook', async () => {
    const { clock, camera, frames } = await startRig(new CountingFeed(6, [0, 100, 200, 300, 400, 500]), 10);
    await advance(clock, 100);
    clock.now += 220;
    await advance(clock, 300);
    expect(frames.map(({ image }) => image.data[0])).toEqual([0, 1, 3, 4, 5]);
    expect(camera.counters()).toEqual({ delivered: 5, skipped: 1, unreadable: 0 });
  });

  it('reports the end of a feed, and its failure, once', async () => {
    const ended = await startRig(new CountingFeed(3), 100);
    await advance(ended.clock, 100);
    expect(ended.ends).toEqual([undefined]);
    expect(ended.times).toHaveLength(3);
    const feed = new CountingFeed();
    feed.failAt = 4;
    const failed = await startRig(feed, 100);
    await advance(failed.clock, 100);
    expect(failed.ends).toEqual([new Error('broken')]);
    expect(feed.isClosed).toBe(true);
  });

  it('delivers nothing after stop and leaves no timer', async () => {
    const feed = new CountingFeed();
    const { clock, camera, times, ends } = await startRig(feed, 100);
    await advance(clock, 50);
    const count = times.length;
    await Promise.all([camera.stop(), camera.stop()]);
    await advance(clock, 100);
    expect(times).toHaveLength(count);
    expect(clock.pendingTimers).toBe(0);
    expect(feed.isClosed).toBe(true);
    expect(ends).toEqual([]);
  });

  it('closes the feed if the first image fails', async () => {
    const feed = new CountingFeed();
    feed.failAt = 0;
    const camera = new PacedCamera(feed, { rate: 10, frameId: 'front', clock: new FakeClock() });
    await expect(camera.start(() => undefined)).rejects.toThrow('broken');
    expect(feed.isClosed).toBe(true);
  });
});

describe('stampOf', () => {
  it('splits milliseconds with enough precision', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2e12, noNaN: true }), (ms) => {
        const { sec, nanosec } = stampOf(ms);
        expect(Number.isInteger(sec) && Number.isInteger(nanosec)).toBe(true);
        expect(nanosec >= 0 && nanosec <= 999_999_999).toBe(true);
        expect(Math.abs(sec * 1000 + nanosec / 1e6 - ms)).toBeLessThan(0.001);
      }),
    );
  });
});
