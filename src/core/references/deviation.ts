import { ScoreOrder } from '../nms.ts';

/** The best candidates of one image before suppression, best first. */
export interface BestCandidates {
  /** row or column in the output */
  readonly places: readonly number[];
  readonly classes: readonly number[];
  /** 0..1 */
  readonly scores: readonly number[];
  /** x1, y1, x2, y2 of each, network pixels */
  readonly boxes: readonly number[];
}

/** All candidates of one image. Entry i is at place i unless the graph itself suppresses. */
export interface AllCandidates {
  readonly count: number;
  readonly boxes: Float32Array;
  readonly scores: Float32Array;
  readonly classes: Uint16Array;
}

/** How far a graph is from its reference on one image. 0 means equal, 1 means nothing in common. */
export interface Deviation {
  /** sum of the absolute differences of scores, as a share of the sum of the reference's scores */
  readonly scores: number;
  /** mean distance of the edges of boxes, as a share of the sides of the reference's boxes, weighted by score */
  readonly boxes: number;
}

/** A box cannot count as further off than its own size. */
const MAX_BOX_DIFFERENCE = 1;

/**
 * For heads that suppress in the graph, two boxes are the same object if their edges are no further apart
 * than this share of its sides.
 */
const SAME_OBJECT = 0.25;

/**
 * If the best candidates of an image score less than this in total, the model sees next to nothing in it, and
 * rounding is expressed as a share of this instead.
 */
const MIN_SCORE_SUM = 2;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The best `limit` candidates, rounded for short JSON: scores to 1/100,000, boxes to 1/100 of a pixel. */
export function bestCandidates(all: AllCandidates, limit: number): BestCandidates {
  const order = new Uint32Array(limit);
  const kept = new ScoreOrder().best(all.scores, all.count, limit, order);
  const places = Array.from(order.subarray(0, kept));
  return {
    places,
    classes: places.map((place) => all.classes[place]!),
    scores: places.map((place) => round(all.scores[place]!, 5)),
    boxes: places.flatMap((place) =>
      Array.from(all.boxes.subarray(4 * place, 4 * place + 4), (edge) => round(edge, 2)),
    ),
  };
}

/**
 * How far one image's candidates are from the reference's. A candidate with another class counts as missing.
 * Candidates that the reference does not list scored no better there than its last one, so any score above
 * that is a difference too.
 * @param matched true if suppression happens in the graph: candidates then have no fixed places and are
 * matched by class and box
 */
export function deviationFrom(
  reference: BestCandidates,
  observed: AllCandidates,
  matched: boolean,
): Deviation {
  const { classes, scores } = reference;
  const taken = new Uint8Array(observed.count);
  let scoreSum = 0;
  let scoreDifference = 0;
  let boxDifference = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    scoreSum += score;
    const place = matched ? matchOf(reference, i, observed, taken) : reference.places[i]!;
    if (place >= 0 && place < observed.count) taken[place] = 1;
    if (observed.classes[place] !== classes[i]) {
      scoreDifference += score;
      continue;
    }
    scoreDifference += Math.abs(observed.scores[place]! - score);
    boxDifference += score * boxDistance(reference.boxes, 4 * i, observed.boxes, 4 * place);
  }
  const least = scores.at(-1) ?? 0;
  for (let place = 0; place < observed.count; place++) {
    if (taken[place] === 0) scoreDifference += Math.max(0, observed.scores[place]! - least);
  }
  const whole = Math.max(scoreSum, MIN_SCORE_SUM);
  return { scores: scoreDifference / whole, boxes: boxDifference / whole };
}

/** The most similar entry of the same class, by box and score, that is not taken yet; -1 if none is close. */
function matchOf(reference: BestCandidates, i: number, observed: AllCandidates, taken: Uint8Array): number {
  let best = -1;
  let minDifference = Infinity;
  for (let place = 0; place < observed.count; place++) {
    if (taken[place] === 1 || observed.classes[place] !== reference.classes[i]) continue;
    const distance = boxDistance(reference.boxes, 4 * i, observed.boxes, 4 * place);
    const difference = distance + Math.abs(observed.scores[place]! - reference.scores[i]!);
    if (distance > SAME_OBJECT || difference >= minDifference) continue;
    best = place;
    minDifference = difference;
  }
  return best;
}

function boxDistance(
  expected: ArrayLike<number>,
  at: number,
  found: ArrayLike<number>,
  foundAt: number,
): number {
  const width = Math.max(1, expected[at + 2]! - expected[at]!);
  const height = Math.max(1, expected[at + 3]! - expected[at + 1]!);
  let sum = 0;
  for (let edge = 0; edge < 4; edge++) {
    sum += Math.abs(found[foundAt + edge]! - expected[at + edge]!) / (edge % 2 === 0 ? width : height);
  }
  return Math.min(MAX_BOX_DIFFERENCE, sum / 4);
}
