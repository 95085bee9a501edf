import { expect, it } from 'vitest';
import { Backoff } from '../../../src/device/inference/backoff.ts';

it('delays double up to the cap, and a long life resets them', () => {
  const backoff = new Backoff({ firstMs: 100, capMs: 1000, stableMs: 30_000 });
  const waits = Array.from({ length: 7 }, () => backoff.next(10));
  expect(waits).toEqual([0, 100, 200, 400, 800, 1000, 1000]);
  expect(backoff.next(30_000)).toBe(0);
  expect(backoff.next(0)).toBe(100);
});
