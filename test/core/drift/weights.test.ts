import { describe, expect, it } from 'vitest';
import { ALARMED, isOneSided } from '../../../src/core/drift/alarm/alarmed.ts';
import { CameraAlarm } from '../../../src/core/drift/alarm/camera-alarm.ts';
import { alarmReference } from '../../../src/core/drift/reference/alarm-reference.ts';
import { createRandom } from '../../../src/core/random.ts';
import { observe, referenceOf } from './judged.ts';

describe('the evidence of a camera', () => {
  const { contexts, features } = referenceOf();
  const { contexts: known } = alarmReference(contexts, features);
  const even = { edges: [0], probabilities: [0.5, 0.5] };
  // after one observation, features whose bins are equally likely have the same evidence
  const sharesOf = (names: readonly (typeof ALARMED)[number][]): Map<string, number> => {
    const alarm = new CameraAlarm(
      {
        contexts: known.map((context) => ({ ...context, bins: ALARMED.map(() => even) })),
        discounts: Object.fromEntries(names.map((name) => [name, 0])),
      },
      1_000,
    );
    alarm.update(observe(createRandom(1)));
    expect(alarm.evidence).toBeGreaterThan(0);
    return new Map(alarm.shares().map(({ feature, share }) => [feature, share]));
  };

  it('is half of it that of known changes, and half that of features', () => {
    const shares = sharesOf(['brightness', 'contrast', 'motion', 'toward_fog']);
    expect(shares.get('toward_fog')).toBeCloseTo(1 / 2, 9);
    expect(shares.get('motion')).toBeCloseTo(1 / 6, 9);
  });

  it('is all that of one sort where there is no other', () => {
    expect(sharesOf(['brightness', 'contrast']).get('contrast')).toBeCloseTo(1 / 2, 9);
    expect(sharesOf(['toward_fog', 'toward_rain']).get('toward_rain')).toBeCloseTo(1 / 2, 9);
  });
});

describe('a known change', () => {
  it('counts on one side only: low values are one bin, about half of the reference', () => {
    const { features } = referenceOf();
    for (const name of ALARMED) {
      const first = features[name]?.bins['day']?.probabilities[0];
      if (first === undefined) continue;
      if (isOneSided(name)) expect(first).toBeGreaterThan(0.3);
      else expect(first).toBeLessThan(0.3);
    }
    expect(features.toward_fog).toBeDefined();
  });
});
