import type { DropReason } from '../../contract/drops.ts';
import { withinRange } from '../../contract/quantities.ts';
import type { HostStats } from '../../contract/telemetry/shapes.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { FrameResult } from '../pipeline/frame/frame-result.ts';
import type { NoteOutOfRange, OutOfRange } from '../runtime/out-of-range.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import { CameraLatencies } from './camera-latencies.ts';
import { bundleReference } from './state-body.ts';

type MetricsBody = StreamBody<'metrics'>;
type FrameCounts = PipelineSnapshot['frames'];
type CameraStats = MetricsBody['cameras'][number];

const NOTHING: FrameCounts = { received: 0, published: 0, inFlight: 0, drops: {} };

function dropsSince(now: FrameCounts, before: FrameCounts): CameraStats['drops'] {
  const drops: Partial<Record<DropReason, number>> = {};
  for (const [reason, count] of Object.entries(now.drops) as [DropReason, number][]) {
    const more = count - (before.drops[reason] ?? 0);
    if (more > 0) drops[reason] = more;
  }
  return drops;
}

/**
 * Turns the running totals of one pipeline into contiguous windows: what one window misses is in the next. Totals are
 * those of the moment at which a window is closed; latencies are counted one by one, in the window in which the stamp
 * of their frame lies. Totals of another pipeline start at 0, so it has a separate `MetricsWindow`.
 */
export class MetricsWindow {
  readonly #latencies = new Map<string, CameraLatencies>();
  readonly #before = new Map<string, FrameCounts>();
  #start: Date;
  #stepMs: number;
  #activeBefore = 0;
  readonly #note: NoteOutOfRange;

  /**
   * @param stepMs by how much the clock was set just before `start`; 0 if it was not
   * @param note is told what a window does not have as it was measured
   */
  constructor(start: Date, stepMs = 0, note: NoteOutOfRange = () => undefined) {
    this.#start = start;
    this.#stepMs = stepMs;
    this.#note = note;
  }

  /** start of the current window */
  get start(): Date {
    return this.#start;
  }

  /** by how much the clock was set just before `start` */
  get stepMs(): number {
    return this.#stepMs;
  }

  /** The clock was set: the current window, in which nothing has happened yet, starts that much later or earlier. */
  moveStart(stepMs: number): void {
    this.#start = new Date(this.#start.getTime() + stepMs);
    this.#stepMs += stepMs;
  }

  /** @param nowMs the time of the windows; NaN counts the frame by its arrival */
  deliver({ envelope: { camera, stamp }, totalMs }: FrameResult, nowMs: number): void {
    this.#latencyOf(camera).record(totalMs, stamp, this.#start.getTime(), nowMs);
  }

  /**
   * Ends the window at `end` and starts the next one there. Rates cover the part of it in which the pipeline accepted
   * frames.
   * @param isLast no more frames come, or their stamps are of another clock: frames beyond `end` count as well
   * @param snapshot null while there is no pipeline: the window then has no camera
   */
  close(snapshot: PipelineSnapshot | null, host: HostStats, end: Date, isLast = true): MetricsBody {
    const endMs = isLast ? Infinity : end.getTime();
    const active = snapshot?.activeSeconds ?? 0;
    const seconds = active - this.#activeBefore;
    this.#activeBefore = active;
    // a burst in an instant, as after activation, is no reason to lose the window
    const perSecond = (camera: string, side: 'in' | 'out', count: number): number =>
      seconds > 0 ? this.#rate(camera, side, count / seconds) : 0;
    const cameras = Object.entries(snapshot?.cameras ?? {}).map(([camera, { frames }]): CameraStats => {
      const before = this.#before.get(camera) ?? NOTHING;
      this.#before.set(camera, frames);
      const received = frames.received - before.received;
      const published = frames.published - before.published;
      return {
        camera,
        received,
        published,
        drops: dropsSince(frames, before),
        inFlight: frames.inFlight,
        fps: { in: perSecond(camera, 'in', received), out: perSecond(camera, 'out', published) },
        ...this.#latencyOf(camera).take(endMs),
      };
    });
    const step = this.#stepMs === 0 ? {} : { clockStepSeconds: this.#stepMs / 1000 };
    const window = { start: this.#start.toISOString(), end: end.toISOString(), ...step };
    this.#start = end;
    this.#stepMs = 0;
    return {
      window,
      bundle: snapshot === null ? null : bundleReference(snapshot),
      cameras,
      process: {
        residentBytes: snapshot?.process.rssBytes ?? process.memoryUsage.rss(),
        eventLoopDelayP99Ms: this.#delay(snapshot?.process.eventLoopDelayMs.p99 ?? 0),
      },
      host,
    };
  }

  #rate(camera: string, side: 'in' | 'out', value: number): number {
    const what = `the rate of frames ${side} of ${camera}`;
    return this.#within({ quantity: 'framesPerSecond', value, what, fields: [`cameras.fps.${side}`] });
  }

  #delay(value: number): number {
    const what = 'the delay of the event loop';
    return this.#within({ quantity: 'milliseconds', value, what, fields: ['process.eventLoopDelayP99Ms'] });
  }

  #within(measured: Omit<OutOfRange, 'reason'>): number {
    const sent = withinRange(measured.quantity, measured.value);
    // NaN, which no schema takes, is declared with its message
    if (sent !== measured.value && !Number.isNaN(sent)) this.#note({ ...measured, reason: 'clamped' });
    return sent;
  }

  #latencyOf(camera: string): CameraLatencies {
    let latency = this.#latencies.get(camera);
    if (latency === undefined) {
      latency = new CameraLatencies();
      this.#latencies.set(camera, latency);
    }
    return latency;
  }
}
