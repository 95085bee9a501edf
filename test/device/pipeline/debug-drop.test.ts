import { describe, expect, it } from 'vitest';
import { debugDrop } from '../../../src/device/pipeline/debug-drop.ts';

const DROPS = 100_000;

/** Bytes of the heap that so many drops take; less than nothing if memory was collected meanwhile. */
function bytesOfDrops(): number {
  const before = process.memoryUsage().heapUsed;
  for (let sequence = 0; sequence < DROPS; sequence++) debugDrop('front', sequence, 'superseded');
  return process.memoryUsage().heapUsed - before;
}

describe('the debug log of drops', () => {
  it('costs a dropped frame no memory while nobody asked for it', () => {
    bytesOfDrops();
    const rounds = Array.from({ length: 10 }, bytesOfDrops);
    // a closure and its variables take 80 bytes or more
    expect(Math.max(...rounds) / DROPS).toBeLessThan(4);
  });
});
