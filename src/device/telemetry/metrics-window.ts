import type { DropReason } from '../../contract/drops.ts';
import { LATENCY_EDGES_MS, type HostStats } from '../../contract/telemetry/shapes.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { FrameResult } from '../pipeline/frame/frame-result.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import { bundleReference } from './state-body.ts';

type MetricsBody = StreamBody<'metrics'>;
type FrameCounts = PipelineSnapshot['frames'];
type CameraStats = MetricsBody['cameras'][number];

const NOTHING: FrameCounts = { received: 0, published: 0, inFlight: 0, drops: {} };

/** Latencies of one camera within the open window. */
class LatencyCounts {
  counts = new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
  sumMs = 0;

  record(milliseconds: number): void {
    let index = 0;
    while (index < LATENCY_EDGES_MS.length && milliseconds > (LATENCY_EDGES_MS[index] ?? Infinity))
      index += 1;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sumMs += milliseconds;
  }

  take(): CameraStats['latency'] {
    const taken = { edgesMs: [...LATENCY_EDGES_MS], counts: this.counts, sumMs: this.sumMs };
    this.counts = new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
    this.sumMs = 0;
    return taken;
  }
}

function dropsSince(now: FrameCounts, before: FrameCounts): CameraStats['drops'] {
  const drops: Partial<Record<DropReason, number>> = {};
  for (const [reason, count] of Object.entries(now.drops) as [DropReason, number][]) {
    const more = count - (before.drops[reason] ?? 0);
    if (more > 0) drops[reason] = more;
  }
  return drops;
}

/**
 * Turns the running totals of one pipeline into contiguous windows: what one window misses is in the next. Latencies
 * are counted one by one. Totals of another pipeline start at 0, so it has a separate `MetricsWindow`.
 */
export class MetricsWindow {
  readonly #latencies = new Map<string, LatencyCounts>();
  readonly #before = new Map<string, FrameCounts>();
  #start: Date;
  #activeBefore = 0;

  constructor(start: Date) {
    this.#start = start;
  }

  /** start of the current window */
  get start(): Date {
    return this.#start;
  }

  deliver(result: FrameResult): void {
    this.#latencyOf(result.envelope.camera).record(result.totalMs);
  }

  /**
   * Ends the window at `end` and starts the next one there. Rates cover the part of it in which the pipeline accepted
   * frames.
   * @param snapshot null while there is no pipeline: the window then has no camera
   */
  close(snapshot: PipelineSnapshot | null, host: HostStats, end: Date): MetricsBody {
    const active = snapshot?.activeSeconds ?? 0;
    const seconds = active - this.#activeBefore;
    this.#activeBefore = active;
    const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
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
        fps: { in: perSecond(received), out: perSecond(published) },
        latency: this.#latencyOf(camera).take(),
      };
    });
    const window = { start: this.#start.toISOString(), end: end.toISOString() };
    this.#start = end;
    return {
      window,
      bundle: snapshot === null ? null : bundleReference(snapshot),
      cameras,
      process: {
        residentBytes: snapshot?.process.rssBytes ?? process.memoryUsage.rss(),
        eventLoopDelayP99Ms: snapshot?.process.eventLoopDelayMs.p99 ?? 0,
      },
      host,
    };
  }

  #latencyOf(camera: string): LatencyCounts {
    let latency = this.#latencies.get(camera);
    if (latency === undefined) {
      latency = new LatencyCounts();
      this.#latencies.set(camera, latency);
    }
    return latency;
  }
}
