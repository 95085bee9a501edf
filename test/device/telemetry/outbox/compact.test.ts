import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StreamPayload } from '../../../../src/contract/telemetry/payloads.ts';
import { compact } from '../../../../src/device/telemetry/outbox/compact.ts';
import { DiskOutbox } from '../../../../src/device/telemetry/outbox/disk-outbox.ts';
import type { OutboxBounds } from '../../../../src/device/telemetry/outbox/stream-queue.ts';
import { FakeDisk } from './fake-disk.ts';

const BOOT = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

const TINY: OutboxBounds = { share: 1e-6, of: 'all' };

const at = (second: number): string => new Date(1_767_225_600_000 + second * 1000).toISOString();

/** A window of ten seconds with one frame. */
const windowAfter = (second: number) => ({
  window: { start: at(second), end: at(second + 10) },
  bundle: null,
  table: 1,
  cameras: [
    {
      camera: 'front',
      frames: 1,
      inGraph: 1,
      unmeasured: 0,
      late: 0,
      duplicate: 0,
      features: {},
      classes: {},
      agreement: { consistency: { sum: 0, n: 0 }, reliability: { reliable: 0, total: 0 } },
    },
  ],
});

/** Windows that wait on a disk. */
async function waiting(count: number, disk = new FakeDisk()): Promise<DiskOutbox> {
  const outbox = await DiskOutbox.open(disk.store, disk.markStore, {
    compose: ({ first, last, body, timestamp = at(0) }) =>
      JSON.stringify({
        ...{ headerId: last, timestamp, version: '1.0.0', manufacturer: 'Goshawk', serialNumber: 'r1' },
        ...{ node: 'detector', bootId: BOOT, bootCount: 0 },
        ...(first < last ? { firstHeaderId: first } : {}),
        ...body,
      }),
    now: () => 0,
    onDirty: () => undefined,
  });
  for (let i = 0; i < count; i += 1) outbox.put('drift', windowAfter(10 * i));
  await outbox.flush();
  return outbox;
}

async function framesOf(outbox: DiskOutbox): Promise<number> {
  let frames = 0;
  for (const entry of outbox.outbox.queue('drift').all()) {
    const { cameras } = JSON.parse((await outbox.payload(entry))!) as StreamPayload<'drift'>;
    for (const camera of cameras) frames += camera.frames;
  }
  return frames;
}

describe('merging of windows that wait', () => {
  it('loses none, in whatever order the disk answers and however many merge at a time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 6 }), async (scheduler, count) => {
        const outbox = await waiting(count);
        const merging = {
          outbox: outbox.outbox,
          payload: async (entry: Parameters<DiskOutbox['payload']>[0]) => {
            const payload = await outbox.payload(entry);
            return scheduler.schedule(Promise.resolve(payload));
          },
        };
        const begin = () => scheduler.schedule(Promise.resolve());
        const runs = [1, 2, 3].map(() => begin().then(() => compact(merging, TINY)));
        await scheduler.waitFor(Promise.all(runs));
        expect(await framesOf(outbox)).toBe(count);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on once at a time', async () => {
    const disk = new FakeDisk();
    const outbox = await waiting(4, disk);
    let reads = 0;
    const { store } = disk;
    const read = store.read.bind(store);
    store.read = (keys) => {
      reads += keys.length;
      return read(keys);
    };
    const bytes = outbox.outbox.queue('drift').bytes / 2;
    const bounds: OutboxBounds = { share: (bytes * 1.2) / (16 << 20), of: 'all' };
    await Promise.all([outbox.trim(bounds), outbox.trim(bounds)]);
    expect(reads).toBe(4);
    expect(await framesOf(outbox)).toBe(4);
  });

  it('leaves those on the disk as they are where only what is in memory counts', async () => {
    const disk = new FakeDisk();
    const outbox = await waiting(4, disk);
    disk.isFull = true;
    for (let i = 4; i < 8; i += 1) outbox.put('drift', windowAfter(10 * i));
    await outbox.flush().catch(() => undefined);
    await compact(outbox, { ...TINY, of: 'unwritten' });
    const covered = [...outbox.outbox.queue('drift').all()].map(({ first, last }) => last - first + 1);
    expect(covered).toEqual([1, 1, 1, 1, 2, 2]);
    disk.isFull = false;
    await outbox.flush();
    expect(await framesOf(outbox)).toBe(8);
  });

  it('leaves them as they are while the disk cannot be read', async () => {
    const disk = new FakeDisk();
    const outbox = await waiting(4, disk);
    disk.isFull = true;
    outbox.put('event', {});
    await outbox.flush().catch(() => undefined);
    await compact(outbox, TINY);
    expect(outbox.outbox.queue('drift').size).toBe(4);
    disk.isFull = false;
    await outbox.flush();
    expect(await framesOf(outbox)).toBe(4);
  });
});
