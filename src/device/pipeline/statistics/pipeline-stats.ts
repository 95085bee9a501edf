import type { EngineIncident } from '../../inference/engine.ts';
import type { FrameJob } from '../frame/frame-job.ts';
import { FrameSpan } from './frame-span.ts';
import { ProcessMonitor } from './process-monitor.ts';
import { RATE_WINDOW_SECONDS, RateWindow } from './rate-window.ts';
import type { PipelineSnapshot } from './snapshot.ts';
import { RecentLatencies, StageLatencies } from './stage-latencies.ts';

/** The stats of all cameras together; those of one camera are in its intake. Times are monotonic milliseconds. */
export class PipelineStats {
  readonly #latencies = new StageLatencies();
  readonly #recent = new RecentLatencies();
  readonly #fpsIn = new RateWindow(RATE_WINDOW_SECONDS);
  readonly #fpsOut = new RateWindow(RATE_WINDOW_SECONDS);
  readonly #span = new FrameSpan();
  readonly #monitor = new ProcessMonitor();
  #startedAt: number | null = null;
  #activeMs = 0;
  #activeSince: number | null = null;
  #detections = 0;
  #engineLost = 0;
  #engineRestored = 0;
  #lastIncident: string | null = null;

  /** The pipeline is up from now on. */
  begin(now: number): void {
    this.#startedAt = now;
  }

  /** Frames are accepted from now on. */
  activate(now: number): void {
    this.#activeSince ??= now;
  }

  /** No more frames are accepted. */
  deactivate(now: number): void {
    if (this.#activeSince !== null) this.#activeMs += now - this.#activeSince;
    this.#activeSince = null;
    this.#span.pause();
  }

  /** Watches the event loop; only worthwhile while frames may arrive. */
  watchProcess(): void {
    this.#monitor.start();
  }

  stop(): void {
    this.#monitor.stop();
  }

  noteReceived(now: number): void {
    if (this.#activeSince !== null) this.#span.mark(now);
    this.#fpsIn.mark(now);
  }

  notePublished(job: FrameJob, now: number): void {
    this.#fpsOut.mark(now);
    this.#latencies.record(job);
    this.#recent.record(job, now);
    this.#detections += job.detections.count;
  }

  noteIncident({ kind, code, message }: EngineIncident): void {
    // A failed start leaves the engine as it was: every loss is matched by one return.
    if (kind === 'restored') this.#engineRestored += 1;
    else if (kind === 'lost') this.#engineLost += 1;
    this.#lastIncident = `${code}: ${message}`;
  }

  read(now: number): Omit<PipelineSnapshot, 'state' | 'engine' | 'frames' | 'cameras' | 'sinks'> {
    return {
      activeSeconds: (this.#activeMs + (this.#activeSince === null ? 0 : now - this.#activeSince)) / 1000,
      framesSeconds: this.#span.seconds,
      uptimeSeconds: this.#startedAt === null ? 0 : (now - this.#startedAt) / 1000,
      activeMs: this.#activeSince === null ? null : now - this.#activeSince,
      engineLost: this.#engineLost,
      engineRestored: this.#engineRestored,
      lastIncident: this.#lastIncident,
      fps: { in: this.#fpsIn.rate(now), out: this.#fpsOut.rate(now) },
      detections: this.#detections,
      latencyMs: this.#latencies.read(),
      recentMs: this.#recent.read(now),
      process: this.#monitor.read(),
    };
  }
}
