import { describe, expect, it } from 'vitest';
import { ALARMED } from '../../../src/core/drift/alarm/alarmed.ts';
import { heldOutValues, PART } from '../../../src/core/drift/alarm/held-out.ts';
import { OBSERVED } from '../../../src/core/drift/observe/observed.ts';
import { RecentObservations } from '../../../src/core/drift/verdict/recent.ts';
import { createRandom } from '../../../src/core/random.ts';
import { observe } from './judged.ts';

const random = createRandom(4);
const ROWS = Array.from({ length: 4 * PART }, () => observe(random));
const LIKENESS = ALARMED.indexOf('toward_fog');

describe('values of a reference', () => {
  const [first] = heldOutValues([ROWS]).map((rows) => rows[0]!);

  it('do not depend on the half that they are of', () => {
    const others = ROWS.map((row, i) => (i > 0 && i < PART ? observe(random, { contrast: 0.1 }) : row));
    expect(heldOutValues([others])[0]![0]![LIKENESS]).toBe(first![LIKENESS]);
  });

  it('depend on the other half', () => {
    const others = ROWS.map((row, i) =>
      i >= PART && i < 2 * PART ? observe(random, { contrast: 0.1 }) : row,
    );
    expect(heldOutValues([others])[0]![0]![LIKENESS]).not.toBe(first![LIKENESS]);
  });

  it('are from all where a half is too short', () => {
    const few = ROWS.slice(0, PART + 10);
    const changed = few.map((row, i) => (i === 1 ? observe(random, { contrast: 0.1 }) : row));
    expect(heldOutValues([changed])[0]![0]![LIKENESS]).not.toBe(heldOutValues([few])[0]![0]![LIKENESS]);
  });
});

describe('the newest observations', () => {
  it('have a mean without what was not measured', () => {
    const recent = new RecentObservations();
    for (const value of [9, 1, NaN, 3]) recent.add(new Float64Array(OBSERVED.length).fill(value));
    expect(recent.mean(3)[0]).toBe(2);
    expect(new RecentObservations().mean(3)[0]).toBeNaN();
  });
});
