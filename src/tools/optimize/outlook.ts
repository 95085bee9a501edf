import type { Int8Arithmetic } from '../../contract/machine.ts';
import type { StepKind, Steps } from './forecast.ts';

/** Phases of a search, in order. */
export const PHASES = [
  'float',
  'calibrations',
  'sensitivity',
  'bisection',
  'improvement',
  'second bisection',
  'pruning',
  'convolutions',
  'correction',
  'packing',
  'other CPUs',
  'TensorRT',
  'others',
] as const;

export type Phase = (typeof PHASES)[number];

/** Number of layers of a typical detector, used until they are counted. */
const USUAL_LAYERS = 90;

/** Number of tries of a bisection over this many positions. */
export function bisectionTries(places: number): number {
  return places <= 1 ? 0 : Math.ceil(Math.log2(places));
}

/** The steps that a search still expects: an estimate per phase, refined as soon as more is known. */
export class Outlook {
  readonly #expected: Map<Phase, Partial<Record<StepKind, number>>>;
  #phase: Phase = 'float';

  /**
   * @param ways number of calibrations to try,
   * @param arithmetic of this machine: the mix is also made for CPUs of the other
   */
  constructor(ways: number, arithmetic: Int8Arithmetic) {
    const usual: Record<Phase, Steps> = {
      float: { float: 5 },
      calibrations: { int8: ways },
      sensitivity: { sensitivity: 1 },
      bisection: { int8: bisectionTries(USUAL_LAYERS) },
      improvement: { int8: ways - 1, equalized: 1 },
      'second bisection': { int8: 2 },
      pruning: { int8: 6 },
      convolutions: { int8: 1 },
      correction: { corrected: 1.3 },
      packing: { int8: 1 },
      'other CPUs': { int8: arithmetic === 'exact' ? 2 : 1 },
      TensorRT: { int8: 1.5 },
      others: { float: 2 },
    };
    this.#expected = new Map(PHASES.map((phase) => [phase, { ...usual[phase] }]));
  }

  /** Begins a phase. Unused steps of earlier phases are dropped. */
  begin(phase: Phase, steps?: Steps): void {
    this.#phase = phase;
    for (const earlier of PHASES.slice(0, PHASES.indexOf(phase))) this.#expected.delete(earlier);
    if (steps !== undefined) this.#expected.set(phase, { ...steps });
  }

  /** Changes the expected steps of a later phase. */
  expect(phase: Phase, steps: Steps): void {
    if (this.#expected.has(phase)) this.#expected.set(phase, { ...steps });
  }

  /** Records that a step of the current phase started. */
  take(kind: StepKind): void {
    const steps = this.#expected.get(this.#phase);
    if (steps !== undefined) steps[kind] = Math.max(0, (steps[kind] ?? 0) - 1);
  }

  /** Steps that are still to come, by kind. */
  left(): Steps {
    const total: Partial<Record<StepKind, number>> = {};
    for (const steps of this.#expected.values()) {
      for (const [kind, count] of Object.entries(steps) as [StepKind, number][]) {
        total[kind] = (total[kind] ?? 0) + count;
      }
    }
    return total;
  }
}
