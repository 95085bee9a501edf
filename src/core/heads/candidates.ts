import { ScoreOrder } from '../nms.ts';

/**
 * Boxes of one image that passed the score threshold, in network pixels, before suppression. A struct of
 * arrays that is refilled for every image and only ever grows.
 */
export interface Candidates {
  count: number;
  /** scores must be above this, once there were more candidates than room */
  floor: number;
  /** x1, y1, x2, y2 for entry i at 4 * i */
  boxes: Float32Array;
  scores: Float32Array;
  classes: Uint16Array;
  readonly order: ScoreOrder;
  /** entries to keep when room is made */
  best: Uint32Array;
}

/**
 * Maximum number of entries of an image if every class of a box counts (`multiLabel`). The best are kept, the
 * first among equals. YOLOX-nano yields 200 to 850 for a street scene at a threshold of 0.01, but boxes times
 * classes may reach millions at a threshold of 0.
 */
export const MULTI_LABEL_CANDIDATES = 30_000;

export function createCandidates(capacity: number): Candidates {
  return {
    count: 0,
    floor: -Infinity,
    boxes: new Float32Array(capacity * 4),
    scores: new Float32Array(capacity),
    classes: new Uint16Array(capacity),
    order: new ScoreOrder(),
    best: new Uint32Array(0),
  };
}

/**
 * Empties the set and makes room for one entry per box or, if a box may yield several, for twice the maximum
 * number of entries, so that making room is rarely necessary. Allocates only if it never held as many.
 */
export function resetCandidates(candidates: Candidates, boxes: number, multiLabel: boolean): void {
  const capacity = multiLabel ? Math.max(boxes, 2 * MULTI_LABEL_CANDIDATES) : boxes;
  candidates.count = 0;
  candidates.floor = -Infinity;
  if (candidates.scores.length >= capacity) return;
  candidates.boxes = new Float32Array(capacity * 4);
  candidates.scores = new Float32Array(capacity);
  candidates.classes = new Uint16Array(capacity);
}

/** Drops all but the best `MULTI_LABEL_CANDIDATES` of a full set. The rest keeps its order. */
function makeRoom(candidates: Candidates): void {
  const { boxes, scores, classes, count, order } = candidates;
  if (candidates.best.length === 0) candidates.best = new Uint32Array(MULTI_LABEL_CANDIDATES);
  const { best } = candidates;
  const kept = order.best(scores, count, best.length, best);
  candidates.floor = scores[best[kept - 1]!]!;
  best.sort();
  for (let to = 0; to < kept; to++) {
    const from = best[to]!;
    boxes.copyWithin(4 * to, 4 * from, 4 * from + 4);
    scores[to] = scores[from]!;
    classes[to] = classes[from]!;
  }
  candidates.count = kept;
}

/**
 * Appends a box given by its corners. Returns false if a coordinate is NaN or infinite. The caller made room
 * with `resetCandidates`; if the set is full nevertheless, the lowest scores are dropped.
 */
export function addCorners(
  candidates: Candidates,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  score: number,
  classIndex: number,
): boolean {
  if (!Number.isFinite(x1 + y1 + x2 + y2)) return false;
  if (candidates.count === candidates.scores.length) makeRoom(candidates);
  if (score <= candidates.floor) return true;
  const entry = candidates.count++;
  const at = 4 * entry;
  candidates.boxes[at] = x1;
  candidates.boxes[at + 1] = y1;
  candidates.boxes[at + 2] = x2;
  candidates.boxes[at + 3] = y2;
  candidates.scores[entry] = score;
  candidates.classes[entry] = classIndex;
  return true;
}

/** `addCorners` for a box given by center and size. */
export function addCentered(
  candidates: Candidates,
  x: number,
  y: number,
  width: number,
  height: number,
  score: number,
  classIndex: number,
): boolean {
  const halfWidth = width / 2;
  const halfHeight = height / 2;
  return addCorners(
    candidates,
    x - halfWidth,
    y - halfHeight,
    x + halfWidth,
    y + halfHeight,
    score,
    classIndex,
  );
}
