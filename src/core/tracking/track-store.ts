import {
  correctFilter,
  filterCorners,
  FILTER_SIZE,
  freezeSize,
  predictFilter,
  startFilter,
} from './kalman.ts';

/** Seen too few times to be confirmed. */
export const TENTATIVE = 0;
/** Seen in the last frame. */
export const TRACKED = 1;
/** Confirmed, but not seen in the last frame. */
export const LOST = 2;

/** Tracks of one camera as a struct of arrays of fixed size; entries 0 to `count - 1` are in use, in no order. */
export class TrackStore {
  readonly capacity: number;
  count = 0;
  /** 0 while tentative */
  readonly ids: Uint32Array;
  readonly classes: Uint16Array;
  /** TENTATIVE, TRACKED or LOST */
  readonly states: Uint8Array;
  /** frames it was seen in */
  readonly hits: Uint32Array;
  /** seconds, on the clock of the stamps */
  readonly lastSeen: Float64Array;
  /** predicted box of each track: x1, y1, x2, y2 */
  readonly boxes: Float32Array;
  readonly #filters: Float64Array;
  readonly #measured = new Float64Array(4);

  constructor(capacity: number) {
    this.capacity = capacity;
    this.ids = new Uint32Array(capacity);
    this.classes = new Uint16Array(capacity);
    this.states = new Uint8Array(capacity);
    this.hits = new Uint32Array(capacity);
    this.lastSeen = new Float64Array(capacity);
    this.boxes = new Float32Array(4 * capacity);
    this.#filters = new Float64Array(FILTER_SIZE * capacity);
  }

  /** Starts a tentative track from detection box `entry`. There must be room. */
  add(boxes: Float32Array, entry: number, classIndex: number, stamp: number): void {
    const track = this.count++;
    this.ids[track] = 0;
    this.classes[track] = classIndex;
    this.states[track] = TENTATIVE;
    this.hits[track] = 1;
    this.lastSeen[track] = stamp;
    startFilter(this.#filters, FILTER_SIZE * track, this.#measure(boxes, entry));
  }

  /** Removes a track; the last one moves into its place. */
  remove(track: number): void {
    const last = --this.count;
    this.ids[track] = this.ids[last]!;
    this.classes[track] = this.classes[last]!;
    this.states[track] = this.states[last]!;
    this.hits[track] = this.hits[last]!;
    this.lastSeen[track] = this.lastSeen[last]!;
    this.boxes.copyWithin(4 * track, 4 * last, 4 * last + 4);
    this.#filters.copyWithin(FILTER_SIZE * track, FILTER_SIZE * last, FILTER_SIZE * (last + 1));
  }

  /** Moves all tracks `seconds` ahead and updates `boxes`. */
  predict(seconds: number): void {
    for (let track = 0; track < this.count; track++) {
      const at = FILTER_SIZE * track;
      if (this.states[track] === LOST) freezeSize(this.#filters, at);
      predictFilter(this.#filters, at, seconds);
      filterCorners(this.#filters, at, this.boxes, 4 * track);
    }
  }

  /** Corrects a track with detection box `entry`. */
  correct(track: number, boxes: Float32Array, entry: number, stamp: number): void {
    correctFilter(this.#filters, FILTER_SIZE * track, this.#measure(boxes, entry));
    this.hits[track]! += 1;
    this.lastSeen[track] = stamp;
  }

  #measure(boxes: Float32Array, entry: number): Float64Array {
    const at = 4 * entry;
    const box = this.#measured;
    box[2] = boxes[at + 2]! - boxes[at]!;
    box[3] = boxes[at + 3]! - boxes[at + 1]!;
    box[0] = boxes[at]! + box[2] / 2;
    box[1] = boxes[at + 1]! + box[3] / 2;
    return box;
  }
}
