import { randomUUID } from 'node:crypto';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MarkFile } from '../../../../src/device/telemetry/outbox/mark-file.ts';
import {
  MAX_EARLIER_BOOTS,
  type EarlierBoot,
  type Marks,
  type SavedMarks,
} from '../../../../src/device/telemetry/outbox/store.ts';
import { STORED_STREAMS } from '../../../../src/contract/telemetry/streams.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const newPath = async (): Promise<string> => join(await temporaryFolder('marks'), 'marks');

const marks = (metrics: number): Marks => ({
  bootId: randomUUID(),
  bootCount: 3,
  reserved: { metrics, gap: 64 },
});

/** As long as they can be. */
const earlier = (count: number): EarlierBoot[] =>
  Array.from({ length: count }, (_, index) => ({
    bootId: randomUUID(),
    bootCount: 1e9 + index,
    next: Object.fromEntries(STORED_STREAMS.map((stream) => [stream, Number.MAX_SAFE_INTEGER])),
  }));

const reread = async (path: string): Promise<Marks | null> => (await rereadAll(path)).last;

async function rereadAll(path: string): Promise<SavedMarks> {
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
    expect(await file.read()).toEqual({ last: null, earlier: [] });
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

  it('names as many earlier boots as it may, whatever becomes of the marks', async () => {
    const path = await newPath();
    const [last, boots] = [marks(4), earlier(MAX_EARLIER_BOOTS)];
    const file = await MarkFile.open(path);
    await file.writeEarlier(earlier(1));
    await file.writeEarlier(boots);
    await file.write(last);
    await file.write(last);
    await file.close();
    expect(await rereadAll(path)).toEqual({ last, earlier: boots });
  });

  it('keeps the marks of a version that had no room for earlier boots', async () => {
    const path = await newPath();
    const [last, boots] = [marks(4), earlier(2)];
    const file = await MarkFile.open(path);
    await file.write(last);
    await file.close();
    await writeFile(path, (await readFile(path)).subarray(0, 8_192));
    const next = await MarkFile.open(path);
    expect(await next.read()).toEqual({ last, earlier: [] });
    await next.writeEarlier(boots);
    await next.close();
    expect(await rereadAll(path)).toEqual({ last, earlier: boots });
  });
});
