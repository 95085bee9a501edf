import { createDetections, type Detections } from '../../core/detections.ts';
import { createDecoder } from '../../core/heads/decoder.ts';
import { HEAD_TABLE, type Head } from '../../core/heads/head-table.ts';
import type { Decoder } from '../../core/heads/head.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import { toOutputTensors } from '../inference/output-buffers.ts';
import type { OutputData, OutputValue } from '../inference/session.ts';
import { isExposed } from '../../model/onnx/selection.ts';

export interface Equivalence {
  /**
   * largest |folded - original| over all values, or over those before the selection if the graph itself
   * selects boxes
   */
  readonly maxAbsolute: number;
  /** largest |folded - original| / (1 + |original|); infinite if detections are missing */
  readonly maxRelative: number;
  readonly pictures: number;
  /** the same over values only, so not infinite if detections are missing */
  readonly maxRelativeOfValues: number;
  /** mean of |folded - original| / (1 + |original|) */
  readonly meanRelative: number;
  /** number of detections of one graph that the other lacks */
  readonly missing: number;
  /**
   * number of detections above the lowest score kept, if the graph itself selects boxes; null if it does not
   */
  readonly detections: number | null;
}

/** How to read outputs that are finished detections. */
export interface FinishedOutputs {
  readonly head: Head;
  readonly classes: number;
}

/**
 * How to read a head whose rows the graph may have selected and sorted; null for heads whose rows have fixed
 * places.
 */
export function finishedBy(head: Head, classes: number): FinishedOutputs | null {
  return HEAD_TABLE[head].places === 'fixed' ? null : { head, classes };
}

/** Maximum number of detections per image in a comparison. */
const MAX_DETECTIONS = 1000;

/** A box or a score may differ by this many times the difference of the values before the selection. */
const SELECTION_SLACK = 4;

/** Minimum difference of scores that is not a tie. */
const MIN_MARGIN = 1e-6;

/**
 * Tolerance of detections even if the values before the selection are equal, because a query network
 * continues to compute after it. Relative to 1 for scores, and to 1 + a coordinate in pixels.
 */
const MIN_TOLERANCE = 5e-4;

/**
 * Share of detections that ties may change: two boxes with the same score, an overlap exactly at the
 * threshold.
 */
export const TIES = 0.01;

/** The result of matching the detections of one graph with the other's. */
interface Matched {
  readonly compared: number;
  readonly missing: number;
}

/** Accumulates the differences between the outputs of two graphs, image by image. */
export class OutputComparison {
  readonly #decoder: Decoder | null;
  readonly #size: { readonly width: number; readonly height: number };
  readonly #found = [createDetections(MAX_DETECTIONS), createDetections(MAX_DETECTIONS)] as const;
  #maxAbsolute = 0;
  #maxRelative = 0;
  #relativeSum = 0;
  #values = 0;
  #images = 0;
  #detections = 0;
  #missing = 0;

  /** @param finished how to read outputs that are detections already; null compares all values one by one */
  constructor(finished: FinishedOutputs | null, size: { readonly width: number; readonly height: number }) {
    this.#size = size;
    this.#decoder =
      finished === null
        ? null
        : createDecoder({
            head: finished.head,
            classes: finished.classes,
            inputWidth: size.width,
            inputHeight: size.height,
            maxCandidates: Infinity,
          });
  }

  /** Throws if an output has an unexpected size. */
  add(expected: readonly OutputValue[], got: readonly OutputValue[]): void {
    this.#images += 1;
    let relativeHere = 0;
    expected.forEach((value, i) => {
      if (this.#decoder !== null && !isExposed(value.name)) return;
      const { absolute, relative, mean } = differenceOf(value, got[i]);
      this.#relativeSum += mean * value.data.length;
      this.#values += value.data.length;
      this.#maxAbsolute = Math.max(this.#maxAbsolute, absolute);
      this.#maxRelative = Math.max(this.#maxRelative, relative);
      relativeHere = Math.max(relativeHere, relative);
    });
    if (this.#decoder === null || !Number.isFinite(relativeHere)) return;
    const margin = Math.max(MIN_MARGIN, SELECTION_SLACK * relativeHere);
    const { compared, missing } = this.#match(this.#decoder, expected, got, margin);
    this.#detections += compared;
    this.#missing += missing;
  }

  result(): Equivalence {
    const lost = this.#missing > TIES * this.#detections;
    return {
      maxAbsolute: this.#maxAbsolute,
      maxRelative: lost ? Infinity : this.#maxRelative,
      maxRelativeOfValues: this.#maxRelative,
      meanRelative: this.#values === 0 ? 0 : this.#relativeSum / this.#values,
      missing: this.#missing,
      pictures: this.#images,
      detections: this.#decoder === null ? null : this.#detections,
    };
  }

  #match(
    decoder: Decoder,
    expected: readonly OutputValue[],
    got: readonly OutputValue[],
    margin: number,
  ): Matched {
    const { width, height } = this.#size;
    const whole = letterboxFor(width, height, width, height, 'top-left');
    const settings = { scoreThreshold: 0, iouThreshold: 1, maxDetections: MAX_DETECTIONS };
    const outcomes = [expected, got].map((outputs, i) => {
      const tensors = toOutputTensors(outputs.filter(({ name }) => !isExposed(name)));
      return decoder.decode(tensors, 0, whole, settings, this.#found[i]!);
    });
    // invalid detections in both count as equal; the values before the selection decide
    if (outcomes[0] === 'invalid' && outcomes[1] === 'invalid') return { compared: 0, missing: 0 };
    if (outcomes.includes('invalid')) return { compared: 1, missing: 1 };
    const [first, second] = this.#found;
    const tolerance = Math.max(MIN_TOLERANCE, 2 * margin);
    const there = matchAbove(first, second, margin, tolerance);
    const back = matchAbove(second, first, margin, tolerance);
    return { compared: there.compared, missing: Math.max(there.missing, back.missing) };
  }
}

/** Matches the detections of one set that are clearly above its lowest score with another set. */
function matchAbove(wanted: Detections, offered: Detections, margin: number, tolerance: number): Matched {
  const lowest = wanted.count === 0 ? 0 : wanted.scores[wanted.count - 1]!;
  const taken = new Set<number>();
  let compared = 0;
  let missing = 0;
  for (let i = 0; i < wanted.count && wanted.scores[i]! > lowest + 2 * margin; i += 1) {
    compared += 1;
    let match = -1;
    for (let j = 0; j < offered.count && match < 0; j += 1) {
      if (!taken.has(j) && sameDetection(wanted, i, offered, j, tolerance)) match = j;
    }
    if (match < 0) missing += 1;
    else taken.add(match);
  }
  return { compared, missing };
}

function sameDetection(a: Detections, i: number, b: Detections, j: number, tolerance: number): boolean {
  if (a.classes[i] !== b.classes[j] || Math.abs(a.scores[i]! - b.scores[j]!) > tolerance) return false;
  for (let k = 0; k < 4; k += 1) {
    const wanted = a.boxes[4 * i + k]!;
    if (Math.abs(b.boxes[4 * j + k]! - wanted) > tolerance * (1 + Math.abs(wanted))) return false;
  }
  return true;
}

/**
 * Largest difference of two outputs, and largest and mean relative to 1 + |expected|; infinite if one is not
 * a number. Throws if they differ in size.
 */
export function differenceOf(
  expected: Pick<OutputValue, 'name' | 'data'>,
  got: Pick<OutputValue, 'data'> | undefined,
): { absolute: number; relative: number; mean: number } {
  const data: OutputData | undefined = got?.data;
  if (data?.length !== expected.data.length) {
    throw new Error(
      `output ${expected.name} had ${expected.data.length} values, but now has ${data?.length ?? 0}`,
    );
  }
  let absolute = 0;
  let relative = 0;
  let sum = 0;
  for (let i = 0; i < data.length; i += 1) {
    const wanted = Number(expected.data[i]);
    const difference = Math.abs(Number(data[i]) - wanted);
    // NaN does not equal NaN here, but equal infinities do
    if (Object.is(Number(data[i]), wanted)) continue;
    absolute = Math.max(absolute, Number.isNaN(difference) ? Infinity : difference);
    const share = Number.isNaN(difference) ? Infinity : difference / (1 + Math.abs(wanted));
    relative = Math.max(relative, share);
    sum += share;
  }
  return { absolute, relative, mean: data.length === 0 ? 0 : sum / data.length };
}
