/** The boxes that suppression chooses from: a struct of arrays with the first `count` entries in use. */
export interface ScoredBoxes {
  readonly count: number;
  /** x1, y1, x2, y2 for entry i at 4 * i, x1 <= x2 and y1 <= y2, finite */
  readonly boxes: Float32Array;
  /** 0..1 (a little above is tolerated), never NaN */
  readonly scores: Float32Array;
  readonly classes: Uint16Array;
}

export interface SuppressionSettings {
  /** 0..1; of two boxes with a higher IoU, the one with the lower score is removed */
  readonly iouThreshold: number;
  /** only the best `maxCandidates` are considered, >= 1 */
  readonly maxCandidates: number;
  /** the search ends once this many are kept */
  readonly maxKept: number;
}

/** A sort key can distinguish at most this many entries. */
const MAX_ENTRIES = 2 ** 22;

/** The rank of a box that no other one suppressed. */
export const NOT_SUPPRESSED = 2 ** 32 - 1;

/**
 * Intersection over union of entry `a` of one box array and entry `b` of another (x1, y1, x2, y2 at 4 *
 * entry). 0 if both are empty.
 */
export function iou(boxesA: Float32Array, a: number, boxesB: Float32Array, b: number): number {
  const i = 4 * a;
  const j = 4 * b;
  const ax1 = boxesA[i]!;
  const ay1 = boxesA[i + 1]!;
  const ax2 = boxesA[i + 2]!;
  const ay2 = boxesA[i + 3]!;
  const bx1 = boxesB[j]!;
  const by1 = boxesB[j + 1]!;
  const bx2 = boxesB[j + 2]!;
  const by2 = boxesB[j + 3]!;
  const width = Math.min(ax2, bx2) - Math.max(ax1, bx1);
  if (width <= 0) return 0;
  const height = Math.min(ay2, by2) - Math.max(ay1, by1);
  if (height <= 0) return 0;
  const common = width * height;
  return common / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - common);
}

/**
 * Sorts entries by score, best first and equal scores by index, without creating objects: score and index are
 * packed into one double. The bits of a non-negative float sort like the float itself; inverted, they sort
 * best first.
 */
export class ScoreOrder {
  #keys = new Float64Array(0);
  #float = new Float32Array(1);
  #bits = new Uint32Array(this.#float.buffer);

  /** Writes the indices of the best `limit` of `count` scores into `order` and returns their number. */
  best(scores: Float32Array, count: number, limit: number, order: Uint32Array): number {
    if (count > MAX_ENTRIES) throw new RangeError(`cannot order ${count} boxes: ${MAX_ENTRIES} at most`);
    if (this.#keys.length < count) this.#keys = new Float64Array(count);
    const keys = this.#keys;
    for (let i = 0; i < count; i++) {
      this.#float[0] = Math.max(0, scores[i]!);
      keys[i] = i - this.#bits[0]! * MAX_ENTRIES;
    }
    keys.subarray(0, count).sort();
    const kept = Math.min(count, limit);
    for (let i = 0; i < kept; i++) {
      const key = keys[i]!;
      order[i] = key - Math.floor(key / MAX_ENTRIES) * MAX_ENTRIES;
    }
    return kept;
  }
}

/** Greedy non-maximum suppression with scratch memory that only ever grows. One instance serves one thread. */
export class Suppressor {
  #order = new Uint32Array(0);
  #scoreOrder = new ScoreOrder();

  /**
   * Writes the indices of the kept boxes, best first, into `kept` and returns their number. From the best
   * score down (equal scores by index), a box is kept unless its IoU with a kept box of its class is above
   * the threshold. Suppressed entries are not copied or moved.
   *
   * @param suppressedBy gets the rank of the kept box for each entry that was removed, and `NOT_SUPPRESSED` for all
   * others; at least `count` long
   */
  run(
    candidates: ScoredBoxes,
    settings: SuppressionSettings,
    kept: Uint32Array,
    suppressedBy: Uint32Array | null = null,
  ): number {
    const { boxes, scores, classes, count } = candidates;
    const { iouThreshold } = settings;
    if (this.#order.length < count) this.#order = new Uint32Array(count);
    const order = this.#order;
    const considered = this.#scoreOrder.best(scores, count, settings.maxCandidates, order);
    const limit = Math.min(settings.maxKept, kept.length);
    suppressedBy?.fill(NOT_SUPPRESSED, 0, count);
    let keptCount = 0;
    for (let rank = 0; rank < considered && keptCount < limit; rank++) {
      const entry = order[rank]!;
      let k = 0;
      for (; k < keptCount; k++) {
        const other = kept[k]!;
        if (classes[other] === classes[entry] && iou(boxes, entry, boxes, other) > iouThreshold) break;
      }
      if (k === keptCount) kept[keptCount++] = entry;
      else if (suppressedBy !== null) suppressedBy[entry] = k;
    }
    return keptCount;
  }
}
