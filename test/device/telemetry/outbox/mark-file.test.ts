import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readFile, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MarkFile } from '../../../../src/device/telemetry/outbox/mark-file.ts';
import type { Marks } from '../../../../src/device/telemetry/outbox/store.ts';

const newPath = async (): Promise<string> => join(await mkdtemp(join(tmpdir(), 'goshawk-marks-')), 'marks');

const marks = (metrics: number): Marks => ({
  bootId: randomUUID(),
  bootCount: 3,
  reserved: { metrics, gap: 64 },
});

async function reread(path: string): Promise<Marks | null> {
  const file = await MarkFile.open(path);
  try {
    return await file.read();
  } finally {
    await file.close();
  }
}

describe('a file of marks', () => {
  it('has none at first, and later those that were written last', async () => {
    const path = await newPath();
    const file = await MarkFile.open(path);
    expect(await file.read()).toBeNull();
    const last = marks(12);
    for (const written of [marks(4), marks(8), last]) await file.write(written);
    await file.close();
    expect(await reread(path)).toEqual(last);
  });

  it('goes on after it was opened again', async () => {
    const path = await newPath();
    for (const reserved of [4, 8, 12]) {
      const written = marks(reserved);
      const file = await MarkFile.open(path);
      await file.read();
      await file.write(written);
      await file.close();
      expect(await reread(path)).toEqual(written);
    }
  });

  it('falls back to the marks before if the last write is torn anywhere', async () => {
    const path = await newPath();
    const [before, last] = [marks(4), marks(8)];
    const file = await MarkFile.open(path);
    await file.write(before);
    await file.write(last);
    await file.close();
    const whole = await readFile(path);
    // the second generation is in the first slot
    const used = 8 + whole.readUInt32LE(4);
    await fc.assert(
      fc.asyncProperty(fc.nat(used - 1), fc.integer({ min: 1, max: 255 }), async (offset, bits) => {
        const torn = Buffer.from(whole);
        torn[offset] = (torn[offset] ?? 0) ^ bits;
        const handle = await open(path, 'r+');
        await handle.write(torn, 0, torn.length, 0);
        await handle.close();
        expect(await reread(path)).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });

  it('has none where the file is cut short', async () => {
    const path = await newPath();
    const file = await MarkFile.open(path);
    await file.write(marks(4));
    await file.close();
    await truncate(path, 100);
    expect(await reread(path)).toBeNull();
  });
});
