import type { CameraShift } from './camera-shift.ts';
import { alarmWeight, evidenceOf, REST, type GroupEvidence, type OpenShift } from './evidence.ts';
import { groupsOf, type CameraGroup, type CameraPlace, type TriageKind } from './groups.ts';
import { TRIAGE_FEATURES } from './triage-features.ts';

/** A camera with its shift; null if there is nothing to compare it with. */
export interface TriagedCamera extends CameraPlace {
  readonly shift: CameraShift | null;
  /** whether the bundle was not there in the reference */
  readonly isNewBundle: boolean;
}

/** Another explanation of what an answer explains. */
export interface Alternative {
  readonly kind: TriageKind;
  readonly place: CameraPlace;
  readonly score: number;
}

/** What is wrong where, with its evidence. */
export interface TriageAnswer extends Alternative {
  /** 0..1, among its alternatives and that nothing is wrong */
  readonly certainty: number;
  /** of all squared shifts of the fleet, what this answer explains, 0..1 */
  readonly explained: number;
  /** numbers of cameras: those of the group that were compared, and those of them that have its shift */
  readonly members: readonly number[];
  readonly affected: readonly number[];
  /** the common shift, the largest first */
  readonly features: readonly { readonly feature: string; readonly sigmas: number }[];
  /** the common shift against the last days alone over that against earlier weeks; null if not known */
  readonly suddenness: number | null;
  /** the best of other kinds, the best first */
  readonly alternatives: readonly Alternative[];
}

/** An answer needs this logarithm of posterior odds. */
const MIN_SCORE = 4;
/**
 * That of one camera: no other has its shift as well. Without earlier weeks nobody knows how its days differ, and its
 * robot is alarmed by the weather of an ordinary day too.
 */
const MIN_CAMERA_SCORE = { withWeeks: 6, withoutWeeks: 12 } as const;
const MAX_ANSWERS = 20;
/** With those that are taken away and no answer: what a group has in common as on any day, and single cameras. */
const MAX_ROUNDS = 40;
const MAX_ALTERNATIVES = 3;
const MAX_FEATURES = 6;
/** Shifts that are named. */
const MIN_NAMED = 1;
/**
 * Logarithms of prior odds, for all groups of a kind together. A model rarely gets worse by itself: it is suspected
 * once its bundle is new.
 */
const PRIOR: Readonly<Record<TriageKind, number>> = {
  camera: 1,
  robot: -1.5,
  site: -1.5,
  season: -3,
  model: -2.5,
};
const NEW_BUNDLE = 3;

interface Scored {
  readonly group: CameraGroup;
  readonly evidence: GroupEvidence;
  readonly score: number;
}

/**
 * What explains the shifts of a fleet, the best first. Groups are nested (camera, robot, site, fleet) or cross them
 * (bundle); the one whose common shift explains most for its size is an answer, its shift is taken away from those that
 * have it, and what is left is explained in the same way: incidents may overlap.
 */
export function triage(cameras: readonly TriagedCamera[]): readonly TriageAnswer[] {
  const known = cameras.flatMap((camera, number) => (camera.shift === null ? [] : number));
  const shifts = cameras.map(({ shift }): OpenShift => ({
    values: Float64Array.from(shift?.now ?? []),
    alarm: alarmWeight(shift?.alarm ?? null),
    hasUsual: shift?.hasUsual ?? false,
  }));
  const groups = groupsOf(known.map((number) => cameras[number]!)).map((group) => ({
    ...group,
    members: group.members.map((at) => known[at]!),
  }));
  const total = squaresOf(known.map((number) => shifts[number]!));
  const answers: TriageAnswer[] = [];
  for (let round = 0; round < MAX_ROUNDS && answers.length < MAX_ANSWERS; round += 1) {
    const scored = scoreAll(groups, shifts, cameras);
    const [best] = scored;
    if (best === undefined || best.score < MIN_SCORE) break;
    const before = squaresOf(shifts);
    const isAsUsual = best.evidence.rarity < MIN_SCORE;
    for (const number of best.evidence.affected) takeAway(shifts[number]!, best.evidence.common, !isAsUsual);
    if (isAsUsual || best.score < leastScore(best.group, shifts)) continue;
    answers.push(answerOf(best, scored, cameras, (before - squaresOf(shifts)) / total));
  }
  return answers;
}

function leastScore({ kind, members }: CameraGroup, shifts: readonly OpenShift[]): number {
  if (kind !== 'camera') return MIN_SCORE;
  return MIN_CAMERA_SCORE[shifts[members[0]!]!.hasUsual ? 'withWeeks' : 'withoutWeeks'];
}

function scoreAll(
  groups: readonly CameraGroup[],
  shifts: readonly OpenShift[],
  cameras: readonly TriagedCamera[],
): Scored[] {
  const counts = new Map<TriageKind, number>();
  for (const { kind } of groups) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return groups
    .flatMap((group) => {
      const evidence = evidenceOf(group, shifts);
      if (evidence === null) return [];
      const prior = PRIOR[group.kind] - Math.log(counts.get(group.kind) ?? 1);
      return { group, evidence, score: evidence.logFactor + prior + bundlePrior(group, cameras) };
    })
    .sort((one, other) => other.score - one.score);
}

function bundlePrior({ kind, members }: CameraGroup, cameras: readonly TriagedCamera[]): number {
  if (kind !== 'model') return 0;
  const fresh = members.filter((number) => cameras[number]!.isNewBundle).length;
  return fresh > members.length / 2 ? NEW_BUNDLE : 0;
}

function answerOf(
  best: Scored,
  scored: readonly Scored[],
  cameras: readonly TriagedCamera[],
  explained: number,
): TriageAnswer {
  const { group, evidence, score } = best;
  const affected = new Set(evidence.affected);
  const rivals = scored.filter(
    ({ group: other, evidence: { affected: theirs } }) =>
      other !== group && theirs.some((number) => affected.has(number)),
  );
  const odds = rivals.reduce((sum, rival) => sum + Math.exp(Math.min(50, rival.score - score)), 0);
  return {
    kind: group.kind,
    place: group.place,
    score,
    certainty: 1 / (1 + odds + Math.exp(-score)),
    explained: Math.max(0, Math.min(1, explained)),
    members: group.members,
    affected: evidence.affected,
    features: namedOf(evidence.common),
    suddenness: suddennessOf(evidence, cameras),
    alternatives: rivals
      .slice(0, MAX_ALTERNATIVES)
      .map(({ group: { kind, place }, score: theirs }) => ({ kind, place, score: theirs })),
  };
}

function namedOf(common: Float64Array): TriageAnswer['features'] {
  return TRIAGE_FEATURES.map((feature, place) => ({ feature, sigmas: common[place]! }))
    .filter(({ sigmas }) => Math.abs(sigmas) >= MIN_NAMED)
    .sort((one, other) => Math.abs(other.sigmas) - Math.abs(one.sigmas))
    .slice(0, MAX_FEATURES);
}

/** Along the common shift, so that what goes up and down by chance cancels out. */
function suddennessOf({ common, affected }: GroupEvidence, cameras: readonly TriagedCamera[]): number | null {
  let [late, whole] = [0, 0];
  for (const number of affected) {
    const shift = cameras[number]?.shift;
    if (shift === null || shift === undefined || shift.lately === null) continue;
    common.forEach((weight, place) => {
      const [one, other] = [shift.lately![place]!, shift.now[place]!];
      if (Number.isNaN(one) || Number.isNaN(other)) return;
      late += weight * one;
      whole += weight * other;
    });
  }
  return whole > 0 ? Math.max(0, Math.min(1, late / whole)) : null;
}

/** What is left is as wide as the members of a group are around their common shift, which is no news. */
function takeAway(shift: OpenShift, common: Float64Array, isExplained: boolean): void {
  const rest = isExplained ? REST : 1;
  common.forEach((value, place) => (shift.values[place] = (shift.values[place]! - value) * rest));
  if (isExplained) shift.alarm = 0;
}

function squaresOf(shifts: readonly OpenShift[]): number {
  let sum = 0;
  for (const { values } of shifts) for (const value of values) if (!Number.isNaN(value)) sum += value * value;
  return Math.max(sum, Number.EPSILON);
}
