import type { EvaluationSet } from './boxes.ts';
import { countObjects, CurveReader } from './curves.ts';
import { matchDetections, type ClassMatches } from './matching.ts';
import { AREA, AREA_RANGES, IOU_THRESHOLDS, DETECTION_LIMITS, MAX_DETECTIONS } from './coco-protocol.ts';

/** The twelve COCO metrics, 0..1; null if no object counts (pycocotools reports -1). */
export interface CocoStats {
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
  readonly apSmall: number | null;
  readonly apMedium: number | null;
  readonly apLarge: number | null;
  readonly ar1: number | null;
  readonly ar10: number | null;
  readonly ar100: number | null;
  readonly arSmall: number | null;
  readonly arMedium: number | null;
  readonly arLarge: number | null;
}

/** Metrics of one class; null if it has no object that counts. */
export interface ClassStats {
  readonly ap: number | null;
  readonly ap50: number | null;
  /** precision at IoU 0.5 at each of RECALL_LEVELS */
  readonly precision50: readonly number[] | null;
}

export interface CocoEvaluation {
  readonly stats: CocoStats;
  /** by class index */
  readonly classes: readonly ClassStats[];
  /** for `bootstrapAp` */
  readonly matches: readonly ClassMatches[];
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Average precision and final recall of one class at each IoU threshold; null if nothing counts. */
interface Profile {
  readonly precision: readonly number[];
  readonly recall: readonly number[];
}

function profile(
  reader: CurveReader,
  matches: ClassMatches,
  area: number,
  maxDetections: number,
): Profile | null {
  const objects = countObjects(matches, area, null);
  if (objects === 0) return null;
  const precision: number[] = [];
  const recall: number[] = [];
  IOU_THRESHOLDS.forEach((_, threshold) => {
    recall.push(reader.read(matches, objects, { area, threshold, maxDetections, weights: null }));
    precision.push(meanOf(reader.precision));
  });
  return { precision, recall };
}

function classStats(reader: CurveReader, matches: ClassMatches, all: Profile | null): ClassStats {
  if (all === null) return { ap: null, ap50: null, precision50: null };
  const objects = countObjects(matches, AREA.all, null);
  reader.read(matches, objects, {
    area: AREA.all,
    threshold: 0,
    maxDetections: MAX_DETECTIONS,
    weights: null,
  });
  return { ap: mean(all.precision), ap50: all.precision[0]!, precision50: [...reader.precision] };
}

function known(list: readonly (Profile | null)[]): Profile[] {
  return list.filter((entry) => entry !== null);
}

function precisionOf(list: readonly (Profile | null)[]): number | null {
  return mean(known(list).flatMap(({ precision }) => precision));
}

function precisionAt(list: readonly (Profile | null)[], threshold: number): number | null {
  return mean(known(list).map(({ precision }) => precision[threshold]!));
}

/** AP and AP50 of `evaluateDetections` alone, of what is matched already, one entry per class. */
export function averagePrecisions(matches: readonly ClassMatches[]): Pick<CocoStats, 'ap' | 'ap50'> {
  const reader = new CurveReader();
  const all = matches.map((entry) => profile(reader, entry, AREA.all, MAX_DETECTIONS));
  return { ap: precisionOf(all), ap50: precisionAt(all, 0) };
}

/**
 * COCO's evaluation of boxes, equal to pycocotools' `COCOeval` with `iouType = 'bbox'` and its default
 * parameters (test/core/evaluation compares every value to 1e-9).
 */
export function evaluateDetections(set: EvaluationSet): CocoEvaluation {
  const matches = matchDetections(set);
  const reader = new CurveReader();
  const profiles = (area: number, maxDetections: number): (Profile | null)[] =>
    matches.map((entry) => profile(reader, entry, area, maxDetections));
  const recallOf = (list: readonly (Profile | null)[]): number | null =>
    mean(known(list).flatMap(({ recall }) => recall));

  const [all, small, medium, large] = AREA_RANGES.map((_, area) => profiles(area, MAX_DETECTIONS)) as [
    (Profile | null)[],
    (Profile | null)[],
    (Profile | null)[],
    (Profile | null)[],
  ];
  const stats: CocoStats = {
    ap: precisionOf(all),
    ap50: precisionAt(all, 0),
    ap75: precisionAt(all, 5),
    apSmall: precisionOf(small),
    apMedium: precisionOf(medium),
    apLarge: precisionOf(large),
    ar1: recallOf(profiles(AREA.all, DETECTION_LIMITS[0])),
    ar10: recallOf(profiles(AREA.all, DETECTION_LIMITS[1])),
    ar100: recallOf(all),
    arSmall: recallOf(small),
    arMedium: recallOf(medium),
    arLarge: recallOf(large),
  };
  const classes = matches.map((entry, index) => classStats(reader, entry, all[index]!));
  return { stats, classes, matches };
}
