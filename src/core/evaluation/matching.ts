import { cocoIou, type DetectedBox, type EvaluationSet, type TruthBox } from './boxes.ts';
import { AREA_RANGES, IOU_THRESHOLDS, MAX_DETECTIONS } from './coco-protocol.ts';

/**
 * The matching result of each detection of one class over all images, best score first. Masks have one bit
 * for each of IOU_THRESHOLDS, bit 0 for the lowest.
 */
export interface ClassMatches {
  /** number of detections */
  readonly count: number;
  /** image of each detection */
  readonly image: Int32Array;
  /** rank among the detections of its image and class, 0 for the best */
  readonly rank: Uint8Array;
  /** by area range: thresholds at which the detection matched an object that counts */
  readonly hits: readonly Uint16Array[];
  /**
   * by area range: thresholds at which it is ignored (it matched a crowd, or the object or box is outside the
   * range)
   */
  readonly ignored: readonly Uint16Array[];
  /** by area range: objects that count in each image */
  readonly objects: readonly Int32Array[];
}

/** Truths and detections of one image, or of one class in it. */
interface Cell {
  truths: TruthBox[];
  detections: DetectedBox[];
}

function outside(area: number, range: (typeof AREA_RANGES)[number]): boolean {
  return area < range.least || area > range.most;
}

/** The result of one detection for one area range. */
interface Verdict {
  hits: number;
  ignored: number;
}

/**
 * Matches the detections of a cell, best first, with its objects for one area range: each takes the free
 * object of greatest IoU. Objects that do not count are taken only if no other is left, and a crowd can be
 * taken any number of times. Of equal IoUs the later object wins, as in pycocotools.
 */
function matchCell(
  cell: Cell,
  overlaps: readonly Float64Array[],
  range: (typeof AREA_RANGES)[number],
): Verdict[] {
  const uncounted = cell.truths.map((truth) => truth.crowd || outside(truth.area, range));
  // objects that count first, each part in file order
  const order = cell.truths.map((_, i) => i).filter((i) => !uncounted[i]);
  const counted = order.length;
  cell.truths.forEach((_, i) => {
    if (uncounted[i]) order.push(i);
  });

  const verdicts: Verdict[] = cell.detections.map(() => ({ hits: 0, ignored: 0 }));
  const taken = new Uint8Array(order.length);
  IOU_THRESHOLDS.forEach((threshold, bit) => {
    taken.fill(0);
    cell.detections.forEach((detection, d) => {
      const row = overlaps[d]!;
      let least = Math.min(threshold, 1 - 1e-10);
      let match = -1;
      for (let g = 0; g < order.length; g++) {
        const truth = order[g]!;
        if (taken[g] === 1 && !cell.truths[truth]!.crowd) continue;
        if (match >= 0 && match < counted && g >= counted) break;
        if (row[truth]! < least) continue;
        least = row[truth]!;
        match = g;
      }
      const verdict = verdicts[d]!;
      if (match < 0) {
        if (outside(detection.width * detection.height, range)) verdict.ignored |= 1 << bit;
      } else {
        taken[match] = 1;
        if (match < counted) verdict.hits |= 1 << bit;
        else verdict.ignored |= 1 << bit;
      }
    });
  });
  return verdicts;
}

function emptyMatches(count: number, images: number): ClassMatches {
  const masks = (): Uint16Array[] => AREA_RANGES.map(() => new Uint16Array(count));
  return {
    count,
    image: new Int32Array(count),
    rank: new Uint8Array(count),
    hits: masks(),
    ignored: masks(),
    objects: AREA_RANGES.map(() => new Int32Array(images)),
  };
}

/** One detection of an image, before its class is sorted. */
interface Judged {
  readonly score: number;
  /** among the detections of its image and class */
  readonly rank: number;
  /** by area range: hits, and what is ignored in the 16 bits above */
  readonly verdicts: readonly number[];
}

/** One class in one image. */
interface Matched {
  readonly judged: readonly Judged[];
  /** by area range: objects that count */
  readonly objects: readonly number[];
}

/** The matching results of one image, by class index; `joinImages` makes an evaluation of many. */
export type ImageMatches = ReadonlyMap<number, Matched>;

function matchCellOfImage(cell: Cell): Matched {
  cell.detections.sort((a, b) => b.score - a.score);
  cell.detections.length = Math.min(cell.detections.length, MAX_DETECTIONS);
  const overlaps = cell.detections.map((detection) =>
    Float64Array.from(cell.truths, (truth) => cocoIou(detection, truth)),
  );
  const ranges = AREA_RANGES.map((range) => matchCell(cell, overlaps, range));
  const judged = cell.detections.map(({ score }, rank) => ({
    score,
    rank,
    verdicts: ranges.map((verdicts) => verdicts[rank]!.hits | (verdicts[rank]!.ignored << 16)),
  }));
  const objects = AREA_RANGES.map(
    (range) => cell.truths.filter((truth) => !truth.crowd && !outside(truth.area, range)).length,
  );
  return { judged, objects };
}

/** Matches the detections of one image with its objects, whatever image they name. */
export function matchImage(truths: readonly TruthBox[], detections: readonly DetectedBox[]): ImageMatches {
  const cells = new Map<number, Cell>();
  const cellOf = (classIndex: number): Cell => {
    let cell = cells.get(classIndex);
    if (cell === undefined) cells.set(classIndex, (cell = { truths: [], detections: [] }));
    return cell;
  };
  for (const truth of truths) cellOf(truth.classIndex).truths.push(truth);
  for (const detection of detections) cellOf(detection.classIndex).detections.push(detection);
  return new Map(Array.from(cells, ([classIndex, cell]) => [classIndex, matchCellOfImage(cell)]));
}

function joinClass(images: readonly ImageMatches[], classIndex: number): ClassMatches {
  const judged: Judged[] = [];
  const imageOf: number[] = [];
  images.forEach((one, image) => {
    for (const own of one.get(classIndex)?.judged ?? []) {
      judged.push(own);
      imageOf.push(image);
    }
  });
  // sorting is stable, so equal scores stay in the order of images
  const order = Uint32Array.from(judged.keys()).sort((a, b) => judged[b]!.score - judged[a]!.score);
  const matches = emptyMatches(judged.length, images.length);
  for (let i = 0; i < order.length; i += 1) {
    const { rank, verdicts } = judged[order[i]!]!;
    matches.image[i] = imageOf[order[i]!]!;
    matches.rank[i] = rank;
    for (let area = 0; area < verdicts.length; area += 1) {
      matches.hits[area]![i] = verdicts[area]! & 0xffff;
      matches.ignored[area]![i] = verdicts[area]! >>> 16;
    }
  }
  images.forEach((one, image) => {
    one.get(classIndex)?.objects.forEach((count, area) => (matches.objects[area]![image] = count));
  });
  return matches;
}

/** Puts images together, in their order. Returns one entry per class; classes beyond are left out. */
export function joinImages(images: readonly ImageMatches[], classes: number): ClassMatches[] {
  return Array.from({ length: classes }, (_, classIndex) => joinClass(images, classIndex));
}

/** Matches all detections with the objects of their image and class. Returns one entry per class. */
export function matchDetections(set: EvaluationSet): ClassMatches[] {
  const images = Array.from({ length: set.images }, (): Cell => ({ truths: [], detections: [] }));
  const imageOf = ({ image, classIndex }: { image: number; classIndex: number }): Cell => {
    const cell = images[image];
    if (cell === undefined || classIndex < 0 || classIndex >= set.classes) {
      throw new RangeError(`image ${image} or class ${classIndex} is outside the set`);
    }
    return cell;
  };
  for (const truth of set.truths) imageOf(truth).truths.push(truth);
  for (const detection of set.detections) imageOf(detection).detections.push(detection);
  return joinImages(
    images.map(({ truths, detections }) => matchImage(truths, detections)),
    set.classes,
  );
}
