import { mixSeeds } from '../../../core/random.ts';
import { CLEAR_DAY, type Conditions } from '../../../sim/drawing/conditions.ts';
import type { SimPeriod } from '../bench/sim-observer.ts';

/** What may become of a camera's image, by what it is called in the report. */
export const CHANGES = {
  dirt: { dirt: 0.6 },
  filth: { dirt: 0.95 },
  blur: { blur: 0.45 },
  tilt: { tilt: 10 },
  dark: { light: 0.3 },
  noise: { noise: 0.55 },
  fog: { fog: 0.4 },
  haze: { fog: 0.2 },
  rain: { rain: 0.5 },
  downpour: { rain: 0.9 },
  autumn: { light: 0.6, fog: 0.08, rain: 0.1 },
} as const satisfies Readonly<Record<string, Partial<Conditions>>>;

export type ChangeName = keyof typeof CHANGES;
const NAMES = Object.keys(CHANGES) as readonly ChangeName[];

/** Observations of one street, in the order of `OBSERVED`: on a clear day, and with each change. */
export interface StreetLooks {
  readonly clear: readonly Float64Array[];
  readonly changed: Readonly<Record<ChangeName, readonly Float64Array[]>>;
}

/** Observes simulated streets on a clear day and with every change, at the same times. */
export async function observeStreets(
  observe: (period: SimPeriod) => Promise<Float64Array[]>,
  { seed, streets, seconds }: { readonly seed: number; readonly streets: number; readonly seconds: number },
  onProgress: (streets: number) => void,
): Promise<readonly StreetLooks[]> {
  const looks: StreetLooks[] = [];
  for (let street = 0; street < streets; street += 1) {
    const at = { seed: mixSeeds(seed, street), from: 0, seconds };
    const clear = await observe({ ...at, conditions: CLEAR_DAY });
    const changed: Partial<Record<ChangeName, readonly Float64Array[]>> = {};
    for (const name of NAMES)
      changed[name] = await observe({ ...at, conditions: { ...CLEAR_DAY, ...CHANGES[name] } });
    looks.push({ clear, changed: changed as StreetLooks['changed'] });
    onProgress(street + 1);
  }
  return looks;
}
