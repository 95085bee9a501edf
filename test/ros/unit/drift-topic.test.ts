import { expect, it } from 'vitest';
import { driftTopicSchema, type DriftTopic } from '../../../src/contract/drift-topic.ts';
import type { Status } from '../../../src/contract/status.ts';
import type { DriftState } from '../../../src/core/drift/window-verdict.ts';
import { DRIFT_TOPIC, DriftTopicPublisher } from '../../../src/ros/detector/drift-topic.ts';

type DriftStatus = NonNullable<Status['drift']>;

const AT = '2026-01-01T00:00:00.000Z';
const BUNDLE = { name: 'street', version: '1.0.0', digest: 'a'.repeat(64) };
const verdictOf = (state: DriftState) => ({
  at: AT,
  state,
  evidence: 0,
  since: null,
  context: 'day',
  features: [],
  cause: null,
});
const accuracyOf = (state: 'worse' | 'as_expected') =>
  ({
    at: AT,
    state,
    share: 0.5,
    low: 0.4,
    high: 0.6,
    frames: 300,
    baseline: 'bundle',
    reason: null,
  }) as const;

function driftOf(windows: number, more: Partial<DriftStatus>): DriftStatus {
  return { windowSeconds: 60, windows, window: null, cameras: {}, ...more };
}

function publisher() {
  const said: DriftTopic[] = [];
  const topic = new DriftTopicPublisher((name, text) => {
    expect(name).toBe(DRIFT_TOPIC);
    said.push(driftTopicSchema.parse(JSON.parse(text)));
  });
  return { said, topic };
}

it('~/drift says at each change and each window what is known, also without a reference', () => {
  const { said, topic } = publisher();
  topic.update(driftOf(0, {}), BUNDLE);
  expect(said).toEqual([]);
  const fine = { accuracy: { front: accuracyOf('as_expected') } };
  topic.update(driftOf(1, fine), BUNDLE);
  topic.update(driftOf(1, fine), BUNDLE);
  topic.update(driftOf(2, fine), BUNDLE);
  topic.update(driftOf(2, { accuracy: { front: accuracyOf('worse') } }), BUNDLE);
  expect(said.map(({ because, accuracy }) => [because, accuracy?.['front']?.state])).toEqual([
    ['state', 'as_expected'],
    ['window', 'as_expected'],
    ['state', 'worse'],
  ]);
});

it('~/drift takes back what it said when the session ends, once, and begins anew with another bundle', () => {
  const { said, topic } = publisher();
  topic.update(driftOf(1, { verdicts: { front: verdictOf('drifted') } }), BUNDLE);
  topic.update(undefined, null);
  topic.update(undefined, null);
  topic.update(driftOf(1, { verdicts: {} }), BUNDLE);
  topic.update(driftOf(1, { verdicts: {} }), { ...BUNDLE, digest: 'b'.repeat(64) });
  const states = said.map(({ bundle, verdicts }) => [bundle?.digest[0], verdicts['front']?.state]);
  expect(states).toEqual([
    ['a', 'drifted'],
    [undefined, undefined],
    ['a', undefined],
    ['b', undefined],
  ]);
});
