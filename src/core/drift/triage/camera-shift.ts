import type { StateCounts } from '../drift-rollup.ts';
import type { CameraDrift } from '../camera-drift.ts';
import type { FeatureName } from '../features.ts';
import { normalDeviate } from '../measures/normal-deviate.ts';
import type { WindowVerdict } from '../window-verdict.ts';
import { momentsOf } from './moments.ts';
import { TRIAGE_FEATURES, TRIAGE_PLACE } from './triage-features.ts';
import type { UsualCamera } from './usual.ts';

/** Shifts count up to this many standard deviations, so that one camera does not outweigh a site. */
const MAX_SIGMAS = 6;
/** Verdicts count in deviations of single observations; the means of days differ by about half as much. */
const DAYS_PER_OBSERVATION = 2;

/** How far a camera is off in a period. */
export interface CameraShift {
  /** by place in `TRIAGE_FEATURES`, standard deviations, -6..6; NaN for what is not known */
  readonly now: Float64Array;
  /** the same against the last days alone; null if these are not known */
  readonly lately: Float64Array | null;
  /** evidence of its newest verdict over what an alarm needs, 1 or more; null if none in the period was `drifted` */
  readonly alarm: number | null;
  /** whether earlier weeks are known, which may show that what a robot is alarmed by is there on many days */
  readonly hasUsual: boolean;
}

/** What a camera showed in a period. */
export interface CameraPeriod {
  readonly drift: CameraDrift;
  readonly states: StateCounts;
}

/**
 * How far a camera is off. Its own verdicts have the last word on whether it is, if it has a reference. How far, its
 * earlier weeks say: they know how much days differ. The verdict says it of features that earlier weeks do not have.
 * @returns null if there is nothing to compare with
 */
export function shiftOf({ drift, states }: CameraPeriod, usual: UsualCamera | null): CameraShift | null {
  const judged = Object.values(states).some((count) => count > 0);
  if (!judged && usual === null) return null;
  const isQuiet = judged && states.drifted + states.suspect === 0;
  if (isQuiet)
    return {
      now: new Float64Array(TRIAGE_FEATURES.length),
      lately: null,
      alarm: null,
      hasUsual: usual !== null,
    };
  const now = fromUsual(drift, usual, ({ mean }) => mean);
  if (judged) takeVerdict(now, drift.verdict);
  const isRecent = Object.values(usual ?? {}).some(({ lately }) => lately !== null);
  const lately = isRecent ? fromUsual(drift, usual, (feature) => feature.lately) : null;
  const alarm = states.drifted > 0 ? Math.max(1, drift.verdict?.evidence ?? 1) : null;
  return { now, lately, alarm, hasUsual: usual !== null };
}

function fromUsual(
  drift: CameraDrift,
  usual: UsualCamera | null,
  center: (feature: NonNullable<UsualCamera[FeatureName]>) => number | null,
): Float64Array {
  const shifts = new Float64Array(TRIAGE_FEATURES.length).fill(NaN);
  for (const [name, feature] of Object.entries(usual ?? {})) {
    const counts = drift.features[name];
    const moments = counts === undefined ? null : momentsOf(name as FeatureName, counts);
    const reference = center(feature);
    if (moments === null || reference === null) continue;
    shifts[TRIAGE_PLACE.get(name)!] = clipped(
      normalDeviate((moments.mean - reference) / feature.deviation, feature.freedom),
    );
  }
  return shifts;
}

function takeVerdict(shifts: Float64Array, verdict: WindowVerdict | undefined): void {
  for (const { feature, sigmas } of verdict?.features ?? []) {
    const place = TRIAGE_PLACE.get(feature);
    if (place === undefined) continue;
    if (Number.isNaN(shifts[place])) shifts[place] = clipped(DAYS_PER_OBSERVATION * sigmas);
  }
}

const clipped = (sigmas: number): number => Math.max(-MAX_SIGMAS, Math.min(MAX_SIGMAS, sigmas));
