import type { DRIFT_STRENGTHS, DriftKind } from '../../../contract/drift-bench.ts';
import type { CauseName } from '../../../core/drift/verdict/causes.ts';
import { CLEAR_DAY, type Conditions } from '../../../sim/drawing/conditions.ts';

type Three = readonly [weak: number, middle: number, strong: number];

export type DriftStrength = (typeof DRIFT_STRENGTHS)[number];

const STRENGTH_PLACE = { weak: 0, middle: 1, strong: 2 } as const satisfies Record<DriftStrength, number>;

export const DAY: Conditions = CLEAR_DAY;
export const NIGHT: Conditions = { ...CLEAR_DAY, light: 0.3 };

/** What a kind of drift changes of a clear day, by strength; dark is darker than the night of the reference. */
const KNOBS = {
  dark: ['light', [0.2, 0.12, 0.05]],
  fog: ['fog', [0.2, 0.45, 0.8]],
  rain: ['rain', [0.2, 0.5, 0.9]],
  blur: ['blur', [0.2, 0.45, 0.8]],
  noise: ['noise', [0.25, 0.5, 0.9]],
  dirt: ['dirt', [0.25, 0.5, 0.9]],
  tilt: ['tilt', [4, 8, 15]],
} as const satisfies Record<Exclude<DriftKind, 'mix'>, readonly [keyof Conditions, Three]>;

/** What names the cause correctly. */
export const RIGHT_CAUSE: Readonly<Record<DriftKind, CauseName>> = {
  dark: 'dark',
  fog: 'fog',
  rain: 'rain',
  blur: 'blur',
  noise: 'noise',
  dirt: 'dirt',
  tilt: 'camera_moved',
  mix: 'scene',
};

/** The conditions of a drift, and how far its street is from that of the reference: 0 for the same. */
export function driftOf(
  kind: DriftKind,
  strength: DriftStrength,
): { readonly conditions: Conditions; readonly street: number } {
  if (kind === 'mix') return { conditions: DAY, street: 1 + STRENGTH_PLACE[strength] };
  const [knob, values] = KNOBS[kind];
  return { conditions: { ...DAY, [knob]: values[STRENGTH_PLACE[strength]] }, street: 0 };
}
