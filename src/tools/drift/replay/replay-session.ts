import type { ReplayedRecording } from '../../../contract/drift/replay.ts';
import type { StreamBody } from '../../../contract/telemetry/streams.ts';
import type { DriftReferenceSettings } from '../../../contract/drift-reference.ts';
import { DRIFT_STATES, type DriftState } from '../../../core/drift/window-verdict.ts';
import { Drift } from '../../../device/drift/drift-part.ts';
import { createSizedEngine } from '../../../device/inference/sized-engine.ts';
import { EnvelopeMaker } from '../../../device/pipeline/frame/envelope.ts';
import type { ResultSink } from '../../../device/pipeline/frame/frame-result.ts';
import type { PipelineOptions } from '../../../device/pipeline/pipeline-options.ts';
import { FramePipeline } from '../../../device/pipeline/pipeline.ts';
import type { FeedFrame } from '../../../device/camera/feed.ts';
import type { DropReason } from '../../../contract/drops.ts';
import { PROVIDERS } from '../../../contract/providers.ts';
import type { Bundle } from '../../../model/bundle.ts';
import { ReplayClock } from './replay-clock.ts';

/** What holds for all recordings. */
export interface ReplaySettings {
  readonly bundle: Bundle;
  /** file; empty for none */
  readonly reference: string;
  /** how the robot runs; null for the limits of the bundle, without tracking */
  readonly runs: DriftReferenceSettings | null;
  readonly falseAlarmsPerWeek: number;
  /** whole, >= 1 */
  readonly windowSeconds: number;
  /** the camera that recordings are of */
  readonly camera: string;
  readonly preprocess: 'auto' | 'sharp' | 'graph';
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A frame of a recording, with its times. */
export type RecordedFrame = FeedFrame & Required<Pick<FeedFrame, 'recorded'>>;

export type ReplayResult = Pick<
  ReplayedRecording,
  'frames' | 'clockSteps' | 'changes' | 'worst' | 'windows' | 'problem'
>;

/** A frame that no sink gets was dropped on its way, which nothing reports; this often it is looked for. */
const LOOK_MS = 20;

/** The frame path and the drift part of a robot, at the time of a recording. One frame is under way at a time. */
export class ReplaySession {
  readonly #settings: ReplaySettings;
  readonly #clock: ReplayClock;
  readonly #drift: Drift;
  readonly #pipeline: FramePipeline;
  readonly #envelopes: EnvelopeMaker;
  readonly #windows: StreamBody<'drift'>[] = [];
  readonly #changes: ReplayResult['changes'] = [];
  #wake = (): void => undefined;
  readonly #publisher: ResultSink = { name: 'publisher', deliver: () => this.#wake() };

  /** @param startMs arrival of the first frame, since the epoch */
  constructor(settings: ReplaySettings, startMs: number) {
    const { bundle, camera, windowSeconds, reference, falseAlarmsPerWeek, say } = settings;
    this.#settings = settings;
    this.#clock = new ReplayClock(startMs);
    this.#envelopes = new EnvelopeMaker(camera, { clock: this.#clock });
    this.#pipeline = new FramePipeline({
      engine: createSizedEngine({
        bundle,
        kind: 'worker',
        sizing: { workers: 1, threads: null, queueDepth: null },
        preferred: PROVIDERS,
        strict: false,
        inputs: settings.preprocess === 'sharp' ? 'letterboxed' : 'both',
        log: say,
      }),
      manifest: bundle.manifest,
      cameras: [{ name: camera }],
      preprocess: settings.preprocess,
      ...runningAs(settings.runs),
      sinks: [this.#publisher],
      stamps: { staleMs: 0, futureMs: 0, repeated: 'auto' },
      clock: this.#clock,
      onNotice: ({ level, code, message }) => {
        if (level !== 'info') say(`${code}: ${message}`);
      },
    });
    this.#drift = new Drift({ send: (stream, make) => this.#note(stream, make()) }, this.#clock, {
      windowSeconds,
      reference,
      falseAlarmsPerWeek,
      log: (_level, line) => say(line),
    });
  }

  /** Loads the model. @throws GoshawkError for a bundle or a reference that cannot be used */
  async start(): Promise<void> {
    const { bundle, camera } = this.#settings;
    await this.#drift.start();
    const { sink } = this.#drift.attach({
      pipeline: this.#pipeline,
      cameras: [camera],
      labels: bundle.manifest.labels,
      bundle: { folder: bundle.folder, digest: bundle.digest },
      snapshot: () => this.#pipeline.snapshot(),
      swapModel: () => Promise.reject(new TypeError('a replay has one bundle')),
    });
    if (sink !== undefined) this.#pipeline.addSink(sink);
    await this.#pipeline.start();
    this.#pipeline.activate();
  }

  /** Resolves once the frame was published or dropped. */
  async play({ image, recorded: { stamp, frameId, arrivedMs } }: RecordedFrame): Promise<void> {
    this.#settings.signal.throwIfAborted();
    this.#clock.moveTo(arrivedMs, () => this.#drift.look());
    this.#pipeline.offer({ envelope: this.#envelopes.next(stamp, frameId), image });
    while (this.#pipeline.framesInFlight > 0) await this.#event();
  }

  /** An image that could not be read. */
  refuse(reason: DropReason): void {
    this.#pipeline.refuse(this.#settings.camera, reason);
  }

  /** Ends the last window. */
  finish(): ReplayResult {
    const status = this.#drift.status().drift;
    this.#drift.detach();
    const { received, published, drops } = this.#pipeline.counts();
    const verdict = status?.verdicts?.[this.#settings.camera];
    return {
      frames: { received, published, drops },
      clockSteps: this.#clock.steps,
      changes: this.#changes,
      worst: verdict === undefined ? null : worstOf(['ok', ...this.#changes.map(({ state }) => state)]),
      windows: this.#windows,
      problem: status?.unjudged?.[this.#settings.camera] ?? null,
    };
  }

  /** Safe to call at any time. */
  async close(): Promise<void> {
    await this.#pipeline.close();
    this.#drift.stop();
  }

  #note(stream: string, body: unknown): void {
    if (stream === 'drift') this.#windows.push(body as StreamBody<'drift'>);
    const verdict = this.#drift.status().drift?.verdicts?.[this.#settings.camera];
    const before = this.#changes.at(-1)?.state ?? 'ok';
    if (verdict === undefined || verdict.state === before) return;
    this.#changes.push({ at: verdict.at, state: verdict.state, verdict });
  }

  /** A result, or time to look again; after everything that follows from it. */
  async #event(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        setImmediate(resolve);
      };
    });
  }
}

const SEVERITY: readonly DriftState[] = ['ok', 'recovering', 'suspect', 'drifted'];

/** The most severe of some states; null of none. */
export function worstOf(states: readonly (DriftState | null)[]): DriftState | null {
  const rank = Math.max(-1, ...states.map((state) => (state === null ? -1 : SEVERITY.indexOf(state))));
  return DRIFT_STATES.find((state) => state === SEVERITY[rank]) ?? null;
}

function runningAs(runs: DriftReferenceSettings | null): Pick<PipelineOptions, 'limits' | 'tracking'> {
  if (runs === null) return {};
  const { score_threshold, iou_threshold, max_detections, class_filter, tracking } = runs;
  const limits = { score_threshold, iou_threshold, max_detections, class_filter };
  return { limits, tracking: tracking === true };
}
