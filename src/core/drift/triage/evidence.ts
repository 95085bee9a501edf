import { median } from '../../median.ts';
import type { CameraGroup, TriageKind } from './groups.ts';
import { GROUP_AT, TRIAGE_FEATURES } from './triage-features.ts';

/** Standard deviation of a shift without a cause, and of the members of a group around their common shift. */
const QUIET = 1.2;
const AROUND = 1.6;
/** Brings what a common shift leaves of a member to the width of shifts without a cause. */
export const REST = QUIET / AROUND;
/** Share of a group that its cause may leave alone: a robot under a roof, a camera that looks away. */
const SPARED = 0.15;
/** Neighboring features say nearly the same: each counts for this share of independent evidence. */
const INDEPENDENCE = 0.6;
/** A group of which fewer are shifted is not what explains them. */
const MIN_AFFECTED = 0.5;

/**
 * Robots of a site see the same sky, and all robots the same time of the year: standard deviation of the shifts that
 * groups have in common on any day, by kind.
 */
const SHARED: Readonly<Record<TriageKind, number>> = {
  camera: 0,
  robot: 0.4,
  site: 1,
  season: 0.5,
  model: 0.5,
};
/**
 * Logarithm of how much likelier a robot's alarm is with a cause than without: 1 % of periods have a false one. With
 * more evidence than an alarm needs it is rarer by as much (Ville's inequality).
 */
const ALARM = 4.5;
/**
 * A common shift explains an alarm with this much evidence in its camera. A camera by itself without earlier weeks
 * needs none: its robot alone knows what is usual there.
 */
const MIN_CAUSE = 2;

/**
 * Logarithm of how much likelier an alarm is with a cause than without.
 * @param alarm evidence over what an alarm needs, 1 or more; null without one
 */
export function alarmWeight(alarm: number | null): number {
  return alarm === null ? 0 : ALARM + Math.log(alarm);
}

/** How large common shifts are, standard deviations, by kind. What a model does is not seen in the image. */
const SIZES: Readonly<Record<TriageKind, { readonly image: number; readonly output: number }>> = {
  camera: { image: 3, output: 2 },
  robot: { image: 3, output: 2 },
  site: { image: 3, output: 2 },
  season: { image: 2, output: 1.5 },
  model: { image: 0.25, output: 3 },
};

/** The shift of a camera as far as nothing explains it yet. */
export interface OpenShift {
  /** by place of the feature, standard deviations; NaN for what is not known */
  readonly values: Float64Array;
  /** of an alarm of a robot that nothing explains yet (`alarmWeight`), 0 without one */
  alarm: number;
  readonly hasUsual: boolean;
}

/** What a common cause of a group would explain. */
export interface GroupEvidence {
  /** logarithm of the Bayes factor against no common cause, before any prior */
  readonly logFactor: number;
  /** a bound of it against a day on which the group has a little in common, as on any */
  readonly rarity: number;
  /** the common shift by place of the feature */
  readonly common: Float64Array;
  /** members that have it */
  readonly affected: readonly number[];
}

/**
 * How much better a common shift of a group explains its members than none: the likelihood at the best common shift,
 * less what fitting it costs (Laplace's approximation with a normal prior of the sizes above). A member either has the
 * common shift or is spared, as a whole.
 * @param shifts of all cameras
 * @returns null if fewer than half of the members have the shift
 */
export function evidenceOf(group: CameraGroup, shifts: readonly OpenShift[]): GroupEvidence | null {
  const members = group.members.map((number) => shifts[number]!);
  let common = commonShift(group.kind, members);
  let ratios = members.map((member) => ratioOf(group.kind, member, common));
  const having = members.filter((_member, at) => ratios[at]! > 0);
  if (having.length < MIN_AFFECTED * members.length) return null;
  if (having.length < members.length) {
    common = commonShift(group.kind, having);
    ratios = members.map((member) => ratioOf(group.kind, member, common));
  }
  const affected = group.members.filter((_number, at) => ratios[at]! > 0);
  if (affected.length < MIN_AFFECTED * members.length || affected.length === 0) return null;
  const spared = members.length === 1 ? 0 : SPARED;
  const gained = ratios.reduce((sum, ratio) => sum + Math.log((1 - spared) * Math.exp(ratio) + spared), 0);
  const logFactor = gained - costOf(group.kind, common, affected.length);
  return { logFactor, rarity: rarityOf(group.kind, common), common, affected };
}

/**
 * By feature, the median of the members, drawn towards 0 as far as the prior does; 0 for a feature whose shift does not
 * gain what it costs.
 */
function commonShift(kind: TriageKind, members: readonly OpenShift[]): Float64Array {
  return Float64Array.from(TRIAGE_FEATURES, (_name, place) => {
    const known = members.map(({ values }) => values[place]!).filter((value) => !Number.isNaN(value));
    if (known.length === 0) return 0;
    const prior = SIZES[kind][GROUP_AT[place]!] ** 2;
    const shift = (median(known) * prior) / (prior + AROUND ** 2 / known.length);
    const gain = known.reduce((sum, value) => sum + gainOf(value, shift), 0);
    return gain > costAt(kind, place, shift, known.length) ? shift : 0;
  });
}

/** Logarithm of the likelihood of a value with a common shift over that without. */
function gainOf(value: number, shift: number): number {
  if (shift === 0) return 0;
  return Math.log(QUIET / AROUND) + value ** 2 / (2 * QUIET ** 2) - (value - shift) ** 2 / (2 * AROUND ** 2);
}

/** How much likelier than on any day, on which the group has a little in common, its common shift is at most. */
function rarityOf(kind: TriageKind, common: Float64Array): number {
  if (SHARED[kind] === 0) return Infinity;
  const squares = common.reduce((sum, shift) => sum + shift ** 2, 0);
  return (INDEPENDENCE * squares) / (2 * SHARED[kind] ** 2);
}

/** What a feature's common shift must gain: the width of the prior, and that it is not 0 as most are. */
function costAt(kind: TriageKind, place: number, shift: number, members: number): number {
  const prior = SIZES[kind][GROUP_AT[place]!] ** 2;
  return Math.log(1 + (members * prior) / AROUND ** 2) / 2 + shift ** 2 / (2 * prior) + Math.LN2;
}

/** The same of a member with all of its features, and its alarm if that is explained; bounded for `exp`. */
function ratioOf(kind: TriageKind, { values, alarm, hasUsual }: OpenShift, common: Float64Array): number {
  let sum = 0;
  for (let place = 0; place < values.length; place += 1) {
    const value = values[place]!;
    if (!Number.isNaN(value)) sum += gainOf(value, common[place]!);
  }
  const ratio = INDEPENDENCE * sum;
  const isExplained = ratio > MIN_CAUSE || (kind === 'camera' && !hasUsual);
  return Math.min(500, ratio + (isExplained ? alarm : 0));
}

function costOf(kind: TriageKind, common: Float64Array, members: number): number {
  let cost = 0;
  common.forEach((shift, place) => (cost += shift === 0 ? 0 : costAt(kind, place, shift, members)));
  return INDEPENDENCE * cost;
}
