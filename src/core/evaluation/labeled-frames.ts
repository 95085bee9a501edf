import type { Stamp } from '../frame.ts';
import type { DetectedBox, TruthBox } from './boxes.ts';
import { averagePrecisions } from './evaluate.ts';
import { joinImages, matchImage, type ImageMatches } from './matching.ts';

/** An object in a frame, as somebody labeled it. */
export interface LabeledObject {
  readonly label: string;
  /** x1, y1, x2, y2 in pixels of the frame */
  readonly box: readonly [number, number, number, number];
}

/** How well a model saw over the newest labeled frames. */
export interface LabeledStats {
  readonly frames: number;
  /** labeled objects that count */
  readonly objects: number;
  /** COCO's AP and AP50 of the published boxes; null without an object */
  readonly ap: number | null;
  readonly ap50: number | null;
}

/** Frames that wait for labels, and labels that wait for their frame, at most each: 10 s at 30 frames per second. */
const MAX_WAITING = 300;

/** Objects of one frame that count; those beyond would make evaluations slow, and no frame has as many. */
const MAX_OBJECTS = 1000;

/** A frame with labels. */
interface Labeled {
  /** that count */
  readonly objects: number;
  readonly matches: ImageMatches;
}

/**
 * Pairs the published boxes of a camera with labels by their stamps, whichever comes first, and evaluates the newest
 * pairs. Frames wait only once there have been labels, so that a camera without any costs nothing.
 */
export class LabeledFrames {
  readonly #maxFrames: number;
  /** index of each class by its name */
  readonly #classes: ReadonlyMap<string, number>;
  readonly #frames = new Map<string, readonly DetectedBox[]>();
  readonly #labels = new Map<string, readonly TruthBox[]>();
  #labeled: Labeled[] = [];
  #matched = 0;
  #unmatched = 0;
  #unknown = 0;
  #stats: LabeledStats | null = null;

  /** @param labels of the model, by class @param maxFrames that are evaluated, >= 1 */
  constructor(labels: readonly string[], maxFrames: number) {
    this.#classes = new Map(labels.map((label, index) => [label, index]));
    this.#maxFrames = maxFrames;
  }

  /** frames with labels so far, labels without a published frame, and objects that do not count */
  get counts(): { readonly matched: number; readonly unmatched: number; readonly unknown: number } {
    return { matched: this.#matched, unmatched: this.#unmatched, unknown: this.#unknown };
  }

  /** False as long as no labels have come. */
  get wantsFrames(): boolean {
    return this.#matched + this.#unmatched + this.#labels.size > 0;
  }

  /** A published frame. @param boxes of image 0 */
  noteFrame(stamp: Stamp, boxes: readonly DetectedBox[]): void {
    const key = keyOf(stamp);
    const truths = this.#labels.get(key);
    if (truths === undefined) {
      keep(this.#frames, key, boxes);
      return;
    }
    this.#labels.delete(key);
    this.#pair(truths, boxes);
  }

  /** The labels of a frame; without an object they say that there is none. */
  noteLabels(stamp: Stamp, objects: readonly LabeledObject[]): void {
    const key = keyOf(stamp);
    this.#unknown += Math.max(0, objects.length - MAX_OBJECTS);
    const truths = objects.slice(0, MAX_OBJECTS).flatMap((one) => this.#truthOf(one));
    const boxes = this.#frames.get(key);
    if (boxes !== undefined) {
      this.#frames.delete(key);
      this.#pair(truths, boxes);
    } else if (keep(this.#labels, key, truths)) this.#unmatched += 1;
  }

  /** Another model publishes from now on: pairs with boxes of the one before do not count. Labels go on waiting. */
  forgetBoxes(): void {
    this.#frames.clear();
    this.#labeled = [];
    this.#stats = null;
  }

  /** Evaluates anew only if there are other pairs than before. */
  stats(): LabeledStats {
    this.#stats ??= this.#evaluate();
    return this.#stats;
  }

  #truthOf({ label, box: [x1, y1, x2, y2] }: LabeledObject): TruthBox[] {
    const classIndex = this.#classes.get(label);
    const [width, height] = [x2 - x1, y2 - y1];
    const isBox = width > 0 && height > 0 && Number.isFinite(width * height);
    if (classIndex !== undefined && isBox)
      return [{ image: 0, classIndex, x: x1, y: y1, width, height, area: width * height, crowd: false }];
    this.#unknown += 1;
    return [];
  }

  /** Matches boxes with labels now: those of all frames would keep the thread of frames for tens of milliseconds. */
  #pair(truths: readonly TruthBox[], boxes: readonly DetectedBox[]): void {
    this.#matched += 1;
    this.#labeled.push({ objects: truths.length, matches: matchImage(truths, boxes) });
    if (this.#labeled.length > this.#maxFrames) this.#labeled.shift();
    this.#stats = null;
  }

  #evaluate(): LabeledStats {
    const images = this.#labeled.map(({ matches }) => matches);
    const objects = this.#labeled.reduce((sum, one) => sum + one.objects, 0);
    return { frames: images.length, objects, ...averagePrecisions(joinImages(images, this.#classes.size)) };
  }
}

const keyOf = ({ sec, nanosec }: Stamp): string => `${sec}.${nanosec}`;

/** Keeps the newest entries. @returns whether the oldest one went */
function keep<T>(waiting: Map<string, T>, key: string, value: T): boolean {
  waiting.set(key, value);
  if (waiting.size <= MAX_WAITING) return false;
  const [oldest] = waiting.keys();
  return waiting.delete(oldest!);
}
