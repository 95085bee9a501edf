import { expect, it } from 'vitest';
import type { BrokerCondition, TelemetryTrial } from '../../../src/contract/bench-telemetry.ts';
import { summarize } from '../../../src/tools/bench/telemetry/bench-telemetry.ts';

const trialOf = (
  round: number,
  condition: BrokerCondition,
  p99: number,
  rssBytes: number,
): TelemetryTrial => ({
  round,
  condition,
  frames: { received: 100, published: 100, drops: {} },
  latencyMs: { count: 100, p50: p99 / 2, p90: p99, p99, p999: p99, max: p99 },
  telemetryCores: 0.01,
  processCores: 0.5,
  rssBytes,
});

it('compares each condition with the trial without telemetry of the same round', () => {
  const trials = [
    ...[trialOf(0, 'off', 10, 100), trialOf(0, 'away', 11, 130)],
    // a round in which the machine is slow
    ...[trialOf(1, 'away', 33, 120), trialOf(1, 'off', 30, 100)],
    ...[trialOf(2, 'off', 10, 100), trialOf(2, 'away', 20, 90)],
  ];
  expect(summarize(trials)).toEqual([
    expect.objectContaining({ condition: 'off', p99Ratio: 1, rssMoreBytes: 0 }),
    expect.objectContaining({ condition: 'away', p99Ms: 20, p99Ratio: 1.1, rssMoreBytes: 20 }),
  ]);
});
