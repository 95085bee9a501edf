import { ALARMED, type AlarmedName } from '../alarm/alarmed.ts';
import type { AlarmReference } from '../alarm/camera-alarm.ts';
import { heldOutValues } from '../alarm/held-out.ts';
import { placeFilters } from '../alarm/place-filter.ts';
import {
  blockSpreads,
  COLOR,
  LASTING,
  PATTERN,
  SPECKS,
  type BlockSpread,
  type SupportRule,
} from '../alarm/support.ts';
import { makeSpaces } from '../space/context-space.ts';
import type { ReferenceContext, ReferenceFeatures } from './make-features.ts';
import { rowsOf } from './observations.ts';

const RULES: Readonly<Partial<Record<AlarmedName, SupportRule>>> = {
  red_balance: COLOR,
  blue_balance: COLOR,
  // all say that something sticks to the lens; a camera that was turned shows in the direction of edges as well
  pattern: PATTERN,
  toward_dirt: LASTING,
  specks: SPECKS,
};

/**
 * Discounts are at most this. Within the range of the reference a step is worth log(16) = 2.8 at best, that of a bin of
 * a sixteenth, so what is discounted by more only alarms beyond it, and where one place of the reference is unlike its
 * other half, calibration asks for that. How seldom a mean is as far off (`support.ts`) still limits the evidence: it
 * alone allows about one false alarm a week.
 */
const MOST_DISCOUNT = 1.4;

/** What the alarm compares with. */
export function alarmReference(
  contexts: readonly ReferenceContext[],
  features: ReferenceFeatures,
): AlarmReference {
  const observed = contexts.map(({ columns }) => rowsOf(columns));
  const spaces = makeSpaces(observed);
  const values = heldOutValues(observed);
  const discounts: Partial<Record<AlarmedName, number>> = {};
  for (const name of ALARMED) {
    const discount = features[name]?.discount;
    if (discount !== undefined) discounts[name] = Math.min(MOST_DISCOUNT, discount);
  }
  return {
    discounts,
    contexts: contexts.map(({ name, relief }, k) => ({
      name,
      relief,
      space: spaces[k]!,
      bins: ALARMED.map((feature) => features[feature]?.bins[name] ?? null),
      spreads: spreadsOf(values[k]!),
      places: placeFilters(spaces[k]!, observed[k]!),
    })),
  };
}

const spreadsOf = (rows: readonly Float64Array[]): BlockSpread[][] =>
  ALARMED.map((name, at) => {
    const values = rows.map((row) => row[at]!);
    return blockSpreads(values, RULES[name]);
  });
