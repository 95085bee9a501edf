import { expect, it } from 'vitest';
import { OutputBuffers, toOutputTensors } from '../../../src/device/inference/output-buffers.ts';

it('buffers are created once per batch size, and only if every size is known', () => {
  const known = new OutputBuffers([{ name: 'found', type: 'float32', dims: ['batch', 84, 7] }]);
  expect(known.forBatch(2)).toBe(known.forBatch(2));
  expect(known.forBatch(2)['found']?.dims).toEqual([2, 84, 7]);
  expect(known.forBatch(3)['found']?.data.length).toBe(3 * 84 * 7);
  const open = new OutputBuffers([{ name: 'found', type: 'float32', dims: [1, 'boxes', 6] }]);
  expect(open.forBatch(1)).toEqual({});
  const counts = new OutputBuffers([{ name: 'count', type: 'int32', dims: [1, 1] }]);
  expect(counts.forBatch(1)).toEqual({});
});

it('64-bit counts become 32-bit, and other types are refused by name', () => {
  const [count] = toOutputTensors([{ name: 'count', data: BigInt64Array.of(7n, 0n), dims: [1, 2] }]);
  expect(count?.data).toEqual(Int32Array.of(7, 0));
  expect(() => toOutputTensors([{ name: 'mask', data: new Uint8Array(2), dims: [2] }])).toThrow(/mask/);
});
