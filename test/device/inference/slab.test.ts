import { expect, it } from 'vitest';
import { createDetections } from '../../../src/core/detections.ts';
import { BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { createSlab, slabCapacity, viewSlab, viewStatistics } from '../../../src/device/inference/slab.ts';
import { SlabPool } from '../../../src/device/inference/slab-pool.ts';

it.each([0, 1, 3, 300])('a slab for %i has room for that many, and the arrays do not overlap', (capacity) => {
  const { buffer, detections } = createSlab(capacity);
  expect(slabCapacity(buffer)).toBe(capacity);
  viewStatistics(buffer).fill(0.75);
  detections.boxes.fill(1.5);
  detections.scores.fill(0.25);
  detections.tracks.fill(0xdeadbeef);
  detections.classes.fill(0xffff);
  const { detections: again } = viewSlab(buffer, capacity);
  expect(viewStatistics(buffer)).toEqual(new Float32Array(BLOCK_FLOATS).fill(0.75));
  expect(again.count).toBe(capacity);
  expect(again.boxes).toEqual(new Float32Array(4 * capacity).fill(1.5));
  expect(again.scores).toEqual(new Float32Array(capacity).fill(0.25));
  expect(again.tracks).toEqual(new Uint32Array(capacity).fill(0xdeadbeef));
  expect(again.classes).toEqual(new Uint16Array(capacity).fill(0xffff));
});

it('a pool hands out returned buffers, once, and only if they are large enough', () => {
  const pool = new SlabPool();
  const slab = createSlab(10);
  pool.give(slab.detections);
  pool.give(slab.detections);
  expect(pool.take(10)).toBe(slab.buffer);
  expect(pool.take(10)).not.toBe(slab.buffer);
  pool.give(createSlab(5).detections);
  expect(slabCapacity(pool.take(10))).toBe(10);
});

it('a pool ignores detections that are not one slab', () => {
  const pool = new SlabPool();
  const foreign = createDetections(10);
  pool.give(foreign);
  expect(pool.take(1)).not.toBe(foreign.boxes.buffer);
});
