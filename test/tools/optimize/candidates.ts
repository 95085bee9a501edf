import type { Ranked } from '../../../src/tools/optimize/choose.ts';
import type { Finalist } from '../../../src/tools/optimize/finish.ts';
import type { PartAccuracy } from '../../../src/tools/optimize/judge.ts';
import type { Latency } from '../../../src/tools/optimize/latency.ts';
import type { Scheme } from '../../../src/tools/optimize/quantizer-messages.ts';
import type { Candidate, Plan } from '../../../src/tools/optimize/candidate-builder.ts';

/** The properties of a candidate in a test. */
export interface Facts {
  readonly ratio?: number;
  /** half the distance of the ratio's quartiles */
  readonly spread?: number;
  readonly bytes?: number;
  readonly drop?: number;
  readonly agreement?: number;
  readonly failure?: string;
  /** true if it was too slow to be evaluated */
  readonly hopeless?: boolean;
  /** true if it needs exact 8-bit sums on a machine that saturates */
  readonly untimed?: boolean;
}

export const SCHEME: Scheme = {
  calibration: 'minmax',
  percentile: 100,
  perChannel: true,
  keepFloat: [],
  equalize: false,
  biasCorrection: false,
  target: 'cpu',
  opTypes: 'all',
  packFloat: false,
  saturationFree: false,
};

export function planOf(id: string): Plan {
  const graph = { file: `${id}.onnx`, sha256: id };
  if (id === 'original' || id === 'clean') return { id, kind: id, graph };
  const target = id.includes('tensorrt') ? 'tensorrt' : 'cpu';
  const saturationFree = id.includes('unsaturated');
  return { id, kind: 'static', scheme: { ...SCHEME, target, saturationFree } };
}

export function latencyOf(ratio: number, spread = 0.005): Latency {
  const p50 = 10 * ratio;
  return {
    p25: p50,
    p50,
    p75: p50,
    p99: p50,
    runs: 60,
    ratio,
    ratioLow: ratio - spread,
    ratioHigh: ratio + spread,
  };
}

export function candidateOf(plan: Plan, facts: Facts): Candidate {
  const { ratio = 1, spread = 0.005, bytes = 1000, drop = 0, agreement = 1, failure = null } = facts;
  const judged = failure === null && facts.hopeless !== true;
  const fine = failure === null;
  return {
    plan,
    graph: fine ? { file: `${plan.id}.onnx`, sha256: plan.id } : null,
    bytes,
    quantized: [],
    float: [],
    findings: [],
    accuracy: judged ? { ap: 0.4 - drop, drop, dropInterval: null, dropDeviation: 0.001, agreement } : null,
    latency: fine && facts.untimed !== true ? latencyOf(ratio, spread) : null,
    failure,
    seconds: 0,
  };
}

/** A candidate whose loss is known exactly. */
export function ranked(id: string, facts: Facts): Ranked {
  return { candidate: candidateOf(planOf(id), facts), estimate: { drop: facts.drop ?? 0, deviation: 0 } };
}

/** A finalist; `trial` is its loss on the choice part, by default the same as in the search. */
export function finalist(id: string, facts: Facts, maxApDrop: number, trial = facts.drop ?? 0): Finalist {
  return {
    ...ranked(id, facts),
    trial: accuracyOf(trial),
    confirmed: id === 'original' || trial <= maxApDrop,
  };
}

/** Accuracy on a part with this loss. */
export function accuracyOf(drop: number): PartAccuracy {
  const stats = { ap: 0.4 - drop, ap50: 0.6, ap75: null, apSmall: null, apMedium: null, apLarge: null };
  const recalls = { ar1: null, ar10: null, ar100: null, arSmall: null, arMedium: null, arLarge: null };
  return {
    evaluation: { stats: { ...stats, ...recalls }, classes: [], matches: [] },
    ap: 0.4 - drop,
    interval: { low: 0.3, high: 0.5 },
    drop,
    dropInterval: { low: drop - 0.01, high: drop + 0.01 },
  };
}
