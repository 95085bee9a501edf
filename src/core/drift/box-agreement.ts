import { iou, type ScoredBoxes } from '../nms.ts';

/** Boxes with a higher score take part. */
export const AGREEMENT_FROM = 0.05;

/** Suppressed boxes count if their IoU with the box that suppressed them is higher. */
const MIN_OVERLAP = 0.5;

/** A box with a higher score is confident. */
const CONFIDENT = 0.4;

/** The mean score is that of kept boxes with a higher score, whatever the operator's threshold is. */
const SCORED_FROM = 0.3;

/** Kept boxes that take part, at most, unless more may be published. */
export const MAX_AGREEMENT_KEPT = 300;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * How far the boxes that suppression kept agree with those that it removed: Prediction Consistency and
 * Reliability (Yoo et al. 2025, arXiv 2508.12082). For a kept box i with the score s_i, D_i are the boxes above
 * 0.05 that it suppressed and that it overlaps with an IoU above 0.5, and U_i is the smallest box around them.
 *
 * - consistency of i: (IoU(b_i, U_i) / 2 + (1 - d_i / r_i) / 2) * sigmoid(-10 (s_i - 0.4)), with d_i the
 *   distance of the centers of b_i and U_i and r_i half the diagonal of b_i; 0 if D_i is empty. The mean over
 *   the kept boxes is C.
 * - R is the sum of w over the D_i with s_i > 0.4, divided by the sum over all D_i,
 *   w = 0.1 + 0.9 sigmoid(20 (s - 0.4)) of a suppressed box's own score s.
 *
 * Sums are kept apart from counts, so that frames add up. Allocates only for more kept boxes than ever before.
 */
export class BoxAgreement {
  /** false if the head has no suppression, or its boxes above 0.05 could not be read: all else is 0 then */
  isMeasured = false;
  /** boxes above 0.05 before suppression */
  candidates = 0;
  /** boxes above 0.05 that suppression kept, and the sum of their consistency */
  kept = 0;
  consistency = 0;
  /** sums of w over the suppressed boxes of confident ones, and over all */
  reliable = 0;
  overlapping = 0;
  /** kept boxes above 0.3, and the sum of their scores */
  scored = 0;
  scores = 0;
  /** U_i of each kept box */
  #hulls = new Float32Array(0);

  clear(): void {
    this.isMeasured = false;
    this.candidates = 0;
    this.kept = 0;
    this.consistency = 0;
    this.reliable = 0;
    this.overlapping = 0;
    this.scored = 0;
    this.scores = 0;
  }

  /**
   * @param kept entries, best first
   * @param suppressedBy for each entry the rank of the kept box that suppressed it; no rank for all others
   */
  measure(boxes: ScoredBoxes, kept: Uint32Array, keptCount: number, suppressedBy: Uint32Array): void {
    this.clear();
    this.isMeasured = true;
    this.#openHulls(keptCount);
    for (let entry = 0; entry < boxes.count; entry++) {
      if (boxes.scores[entry]! <= AGREEMENT_FROM) continue;
      this.candidates += 1;
      const rank = suppressedBy[entry]!;
      if (rank < keptCount) this.#noteSuppressed(boxes, entry, kept[rank]!, rank);
    }
    for (let rank = 0; rank < keptCount; rank++) {
      const entry = kept[rank]!;
      if (boxes.scores[entry]! <= AGREEMENT_FROM) break;
      this.kept += 1;
      if (boxes.scores[entry]! > SCORED_FROM) {
        this.scored += 1;
        this.scores += boxes.scores[entry]!;
      }
      this.consistency += this.#consistencyOf(boxes, entry, rank);
    }
  }

  #openHulls(count: number): void {
    if (this.#hulls.length < 4 * count) this.#hulls = new Float32Array(4 * count);
    for (let at = 0; at < 4 * count; at += 4) {
      this.#hulls[at] = this.#hulls[at + 1] = Infinity;
      this.#hulls[at + 2] = this.#hulls[at + 3] = -Infinity;
    }
  }

  #noteSuppressed(boxes: ScoredBoxes, entry: number, keeper: number, rank: number): void {
    if (iou(boxes.boxes, entry, boxes.boxes, keeper) <= MIN_OVERLAP) return;
    const hulls = this.#hulls;
    const [to, from] = [4 * rank, 4 * entry];
    hulls[to] = Math.min(hulls[to]!, boxes.boxes[from]!);
    hulls[to + 1] = Math.min(hulls[to + 1]!, boxes.boxes[from + 1]!);
    hulls[to + 2] = Math.max(hulls[to + 2]!, boxes.boxes[from + 2]!);
    hulls[to + 3] = Math.max(hulls[to + 3]!, boxes.boxes[from + 3]!);
    const weight = 0.1 + 0.9 * sigmoid(20 * (boxes.scores[entry]! - CONFIDENT));
    this.overlapping += weight;
    if (boxes.scores[keeper]! > CONFIDENT) this.reliable += weight;
  }

  #consistencyOf({ boxes, scores }: ScoredBoxes, entry: number, rank: number): number {
    const hulls = this.#hulls;
    const [u, b] = [4 * rank, 4 * entry];
    if (hulls[u] === Infinity) return 0;
    const width = boxes[b + 2]! - boxes[b]!;
    const height = boxes[b + 3]! - boxes[b + 1]!;
    const apartX = (hulls[u]! + hulls[u + 2]! - boxes[b]! - boxes[b + 2]!) / 2;
    const apartY = (hulls[u + 1]! + hulls[u + 3]! - boxes[b + 1]! - boxes[b + 3]!) / 2;
    const nearness = 1 - Math.hypot(apartX, apartY) / (Math.hypot(width, height) / 2);
    const overlap = iou(boxes, entry, hulls, rank);
    return ((overlap + nearness) / 2) * sigmoid(-10 * (scores[entry]! - CONFIDENT));
  }
}
