import { expect, test } from 'vitest';
import { ratiosOf } from '../../../src/tools/bench/bench-ros.ts';

const figures = (p50: number, p99: number, cpuMsPerFrame: number) => ({ p50, p99, cpuMsPerFrame });

test('ratios are taken round by round, and their medians are told', () => {
  const rounds = [
    { goshawk: figures(10, 20, 30), pythonPeer: figures(20, 80, 60) },
    // an hour in which everything is slow
    { goshawk: figures(40, 90, 31), pythonPeer: figures(50, 100, 62) },
    { goshawk: figures(12, 30, 33), pythonPeer: figures(20, 100, 60) },
  ];
  expect(ratiosOf(rounds)).toEqual(figures(0.6, 0.3, 0.5));
  expect(ratiosOf([{ goshawk: figures(10, 20, 30), pythonPeer: figures(0, 0, 0) }])).toEqual(
    figures(0, 0, 0),
  );
});
