import type { LabeledAccuracy } from '../../contract/labeled-accuracy.ts';
import { LabeledFrames } from '../../core/evaluation/labeled-frames.ts';
import { boxesOf } from '../../core/evaluation/boxes-of.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import type { FrameResult, ResultSink } from '../pipeline/frame/frame-result.ts';
import {
  definePart,
  type Attachment,
  type FrameLabels,
  type Part,
  type PipelineSession,
} from '../runtime/part.ts';
import type { PartStatus } from '../runtime/status.ts';
import { labelMetrics, type LabelReading } from './label-metrics.ts';

/** Putting some hundred frames together takes milliseconds, and readers may ask several times a second. */
const MAX_AGE_MS = 5_000;
/** Without a new pair for this long, what was computed says nothing of now. */
const STALE_MS = 60_000;

/** Evaluates the model while it runs, where labels come: the simulator knows them, and topics may have them. */
export const LABELS = definePart({
  parameters: {
    labeled_frames: {
      kind: 'int',
      default: 300,
      min: 0,
      max: 2_000,
      words: { off: 0 },
      read: 'start',
      description:
        'Newest labeled frames of a camera that AP is computed over, where labels come; 0 ignores labels.',
      option: {
        flags: '--labeled-frames <n>',
        description: 'compute AP over the newest n labeled frames (off: not)',
      },
    },
  },
  create: ({ labeled_frames: frames }) => (frames === 0 ? null : new Labels(frames, systemClock)),
});

interface Evaluated {
  readonly frames: LabeledFrames;
  /** of the bundle that published the newest frame; null before the first */
  digest: string | null;
  /** pairs that there were at the newest look, and when labels or pairs last came, monotonic milliseconds */
  matched: number;
  newestMs: number;
  /** of the evaluation, monotonic milliseconds */
  atMs: number;
  accuracy: LabeledAccuracy | null;
}

/** Continuous evaluation as a part. */
export class Labels implements Part {
  readonly name = 'labels';
  readonly servedBy = ['web page', 'telemetry'];
  readonly #maxFrames: number;
  readonly #clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly #cameras = new Map<string, Evaluated>();
  readonly #metrics = labelMetrics(() => this.#reading());
  readonly #sink: ResultSink = { name: 'labels', deliver: (result) => this.#deliver(result) };

  constructor(maxFrames: number, clock: Pick<Clock, 'monotonicMs' | 'wallMs'>) {
    this.#maxFrames = maxFrames;
    this.#clock = clock;
  }

  attach({ cameras, labels }: PipelineSession): Attachment {
    this.detach();
    for (const camera of cameras)
      this.#cameras.set(camera, {
        frames: new LabeledFrames(labels, this.#maxFrames),
        digest: null,
        matched: 0,
        newestMs: -Infinity,
        atMs: -Infinity,
        accuracy: null,
      });
    return { sink: this.#sink, metrics: this.#metrics };
  }

  detach(): void {
    this.#cameras.clear();
  }

  /** Labels of a camera that there is not are ignored. */
  takeLabels({ camera, stamp, objects }: FrameLabels): void {
    const one = this.#cameras.get(camera);
    if (one === undefined) return;
    one.frames.noteLabels(stamp, objects);
    this.#noteTime(one);
  }

  /** By camera, for those with labels that came lately. */
  labeledAccuracy(): Record<string, LabeledAccuracy> {
    const all = Array.from(this.#cameras, ([camera, one]) => [camera, this.#evaluate(one)] as const);
    return Object.fromEntries(all.filter((entry): entry is [string, LabeledAccuracy] => entry[1] !== null));
  }

  status(): PartStatus {
    const labeled = this.labeledAccuracy();
    return Object.keys(labeled).length === 0 ? {} : { labeled };
  }

  #deliver({ envelope, detections, bundleDigest }: FrameResult): void {
    const one = this.#cameras.get(envelope.camera);
    if (one === undefined) return;
    if (one.digest !== null && one.digest !== bundleDigest) {
      one.frames.forgetBoxes();
      one.accuracy = null;
    }
    one.digest = bundleDigest;
    if (!one.frames.wantsFrames) return;
    one.frames.noteFrame(envelope.stamp, boxesOf(detections, 0));
    this.#noteTime(one);
  }

  /** Labels count only as long as there has been no pair: whoever sends them sees that none has matched. */
  #noteTime(one: Evaluated): void {
    const { matched } = one.frames.counts;
    if (matched > 0 && matched === one.matched) return;
    one.matched = matched;
    one.newestMs = this.#clock.monotonicMs();
  }

  #evaluate(one: Evaluated): LabeledAccuracy | null {
    if (!one.frames.wantsFrames) return null;
    const nowMs = this.#clock.monotonicMs();
    const ageMs = nowMs - one.newestMs;
    if (ageMs > STALE_MS) return null;
    // the first pair is worth saying at once
    const isKept = one.accuracy !== null && one.accuracy.frames > 0 && nowMs - one.atMs < MAX_AGE_MS;
    if (isKept) return one.accuracy;
    one.atMs = nowMs;
    const { ap, ap50, ...counts } = one.frames.stats();
    const at = new Date(this.#clock.wallMs() - ageMs).toISOString();
    one.accuracy = { at, ...counts, ap: rounded(ap), ap50: rounded(ap50) };
    return one.accuracy;
  }

  #reading(): LabelReading {
    const labeled = [...this.#cameras].filter(([, { frames }]) => frames.wantsFrames);
    const counts = Object.fromEntries(labeled.map(([camera, { frames }]) => [camera, frames.counts]));
    return { accuracy: this.labeledAccuracy(), counts };
  }
}

/** More digits than a few hundred frames can support. */
const DIGITS = 4;
const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toFixed(DIGITS));
