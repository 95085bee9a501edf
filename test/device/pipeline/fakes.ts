import { createDetections, type Detections } from '../../../src/core/detections.ts';
import type { Frame } from '../../../src/core/frame.ts';
import type { CompressedView, ImageView, PixelEncoding } from '../../../src/core/image/image-view.ts';
import { planeRows } from '../../../src/core/image/layout.ts';
import { rowBytes } from '../../support/row-bytes.ts';
import type {
  DecodeLimits,
  EngineIncident,
  EngineInfo,
  InferenceEngine,
  InferenceInput,
  InferenceItem,
  InferenceOutcome,
} from '../../../src/device/inference/engine.ts';
import type { Clock, TimerHandle } from '../../../src/platform/clock.ts';
import { EnvelopeMaker } from '../../../src/device/pipeline/frame/envelope.ts';
import type { PipelineOptions } from '../../../src/device/pipeline/pipeline-options.ts';

/** A clock that moves only when the test advances it. */
export class FakeClock implements Clock {
  now = 1000;
  wall = 1_700_000_000_000;
  #timers: { at: number; callback: () => void }[] = [];

  monotonicMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.wall;
  }

  startTimer(callback: () => void, ms: number): TimerHandle {
    const timer = { at: this.now + ms, callback };
    this.#timers.push(timer);
    return timer;
  }

  stopTimer(handle: TimerHandle): void {
    this.#timers = this.#timers.filter((timer) => timer !== handle);
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.stopTimer(due);
      this.wall += due.at - this.now;
      this.now = Math.max(this.now, due.at);
      due.callback();
    }
    this.wall += end - this.now;
    this.now = end;
  }
}

/** The outcome of an engine's job. */
export type JobFate = 'ok' | 'failed' | 'nan' | 'lost' | 'short' | 'reject';

interface PendingJob {
  readonly inputs: readonly InferenceInput[];
  readonly limits: DecodeLimits;
  readonly resolve: (outcome: InferenceOutcome) => void;
  readonly reject: (error: Error) => void;
}

const TIMES = { queue: 0, inference: 2, decode: 1 };

/** Detections for every image, best first, as a decoder would return them with these limits. */
export type Detect = (limits: DecodeLimits) => Detections;

function itemFor(input: InferenceInput, fate: JobFate, detections: Detections): InferenceItem {
  if (fate === 'ok') return { ok: true, detections, pixels: input.pixels };
  const code = 'GOSHAWK_INFERENCE_FAILED';
  const { pixels } = input;
  if (fate === 'nan')
    return {
      ok: false,
      reason: 'invalid_output',
      code: 'GOSHAWK_MODEL_OUTPUT_INVALID',
      message: 'NaN',
      pixels,
    };
  if (fate === 'lost') return { ok: false, reason: 'engine_lost', code, message: 'lost' };
  return { ok: false, reason: 'inference_failed', code, message: 'failed', pixels };
}

/** An engine whose jobs end when and how the test decides; by default it answers immediately. */
export class FakeEngine implements InferenceEngine {
  readonly parallel: number;
  readonly pending: PendingJob[] = [];
  /** every job's inputs, in the order of arrival */
  readonly seen: (readonly InferenceInput[])[] = [];
  detect: Detect = () => createDetections(4);
  isManual = false;
  isClosed = false;
  acceptsRaw = false;
  maxBatch = 4;
  provider: EngineInfo['provider'] = 'cpu';
  #listener: (incident: EngineIncident) => void = () => undefined;

  constructor(parallel = 1) {
    this.parallel = parallel;
  }

  start(): Promise<EngineInfo> {
    return Promise.resolve({
      kind: 'worker',
      bundle: { name: 'fake', version: '1.0.0', digest: 'f'.repeat(64) },
      variant: 'fp32',
      precision: 'fp32',
      provider: this.provider,
      exactInt8: false,
      refusals: [],
      referenceCheck: {
        verdict: 'passed',
        scores: 0.0001,
        boxes: 0.0001,
        tolerance: 0.03,
        inputs: 6,
        reason: 'it reproduces its reference outputs',
      },
      choice: { how: 'only', why: 'there is no other', candidates: [], notes: [] },
      nodesByProvider: { cpu: 10 },
      threads: 1,
      workers: this.parallel,
      queueDepth: 1,
      sizing: null,
      maxBatch: this.maxBatch,
      acceptsRaw: this.acceptsRaw,
      loadMs: 1,
      warmupMs: 1,
    });
  }

  infer(inputs: readonly InferenceInput[], limits: DecodeLimits): Promise<InferenceOutcome> {
    this.seen.push(inputs);
    return new Promise((resolve, reject) => {
      this.pending.push({ inputs, limits, resolve, reject });
      if (!this.isManual) this.finish(0, 'ok');
    });
  }

  /** Ends the pending job at `index`. */
  finish(index: number, fate: JobFate): void {
    const [job] = this.pending.splice(index, 1);
    if (job === undefined) return;
    if (fate === 'reject') job.reject(new Error('the engine broke its promise'));
    else if (fate === 'short') job.resolve({ items: [], times: TIMES });
    else {
      const items = job.inputs.map((input) => itemFor(input, fate, this.detect(job.limits)));
      job.resolve({ items, times: TIMES });
    }
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  onIncident(listener: (incident: EngineIncident) => void): void {
    this.#listener = listener;
  }

  incident(incident: EngineIncident): void {
    this.#listener(incident);
  }
}

export const MANIFEST: PipelineOptions['manifest'] = {
  labels: ['person', 'car'],
  input: { width: 64, height: 64, colorOrder: 'rgb', anchor: 'top-left', padValue: 114, resize: 'average' },
  thresholds: { score: 0.3, iou: 0.5, maxDetections: 100 },
};

/** A raw image whose bytes follow a pattern. */
export function rawImage(encoding: PixelEncoding, width: number, height: number, padding = 0): ImageView {
  const step = rowBytes(encoding, width) + padding;
  const data = new Uint8Array(step * planeRows(encoding, height));
  for (let i = 0; i < data.length; i++) data[i] = (i * 31) & 255;
  return { width, height, encoding, step, data };
}

/** Makes the frames of one camera: stamps 33 ms apart. */
export class FrameMaker {
  readonly envelopes: EnvelopeMaker;
  #tick = 0;

  constructor(camera: string, clock: Clock, deadlineMs = 0) {
    this.envelopes = new EnvelopeMaker(camera, { clock, deadlineMs });
  }

  next(image: ImageView | CompressedView = rawImage('rgb8', 64, 48), tick = ++this.#tick): Frame {
    const nanosec = tick * 33_000_000;
    const stamp = { sec: 1_700_000_000 + Math.floor(nanosec / 1e9), nanosec: nanosec % 1e9 };
    return { envelope: this.envelopes.next(stamp, 'camera'), image };
  }
}

/** Lets promises and libuv's finished work run, until `isDone` or the last turn. */
export async function settle(isDone: () => boolean = () => false, turns = 2000): Promise<void> {
  for (let i = 0; i < turns && !isDone(); i++)
    await new Promise((resolve) => setTimeout(resolve, i < 50 ? 0 : 2));
}

/** Turns of the event loop, for work that needs no other thread. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
