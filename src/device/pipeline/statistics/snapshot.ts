import type { CameraCounters } from '../../camera/source.ts';
import type { DropReason } from '../../../contract/drops.ts';
import type { LatencySummary } from '../../../contract/report.ts';
import type { EngineInfo } from '../../inference/engine.ts';
import type { PreprocessDecision } from '../frame/preprocess-mode.ts';
import type { FrameCounts } from './ledger.ts';
import type { LatencyStats } from './stage-latencies.ts';

export type PipelineState = 'idle' | 'starting' | 'inactive' | 'active' | 'draining' | 'closing' | 'closed';

export interface FramesPerSecond {
  readonly in: number;
  readonly out: number;
}

export interface CameraSnapshot {
  readonly priority: number;
  readonly frames: FrameCounts;
  /** frames per second over the last 5 s */
  readonly fps: FramesPerSecond;
  /** milliseconds from receipt to publication, since start */
  readonly latencyMs: LatencySummary;
  /** null before the first frame */
  readonly lastFrameAgeMs: number | null;
  /**
   * from the last frame's stamp to its receipt, on the clock that stamps frames; null before the first and if the
   * driver sets none
   */
  readonly stampAgeMs: number | null;
  /** why the most recent drop happened; null before the first */
  readonly lastDrop: DropReason | null;
  /** drops since the last published frame; intentional ones do not count */
  readonly dropsInARow: number;
  /** new timelines: a recording that loops, a clock that was set */
  readonly clockResets: number;
  /** of the last frame; 0 before the first */
  readonly width: number;
  readonly height: number;
  readonly encoding: string;
  /** null while it is being measured */
  readonly preprocess: PreprocessDecision | null;
  /** what happened to the images of a camera inside this process; absent if frames come from outside */
  readonly source?: CameraCounters;
}

/** The health of the process. */
export interface ProcessStats {
  readonly rssBytes: number;
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** What happened to the results that a sink was offered. */
export interface SinkCounts {
  readonly delivered: number;
  readonly failed: number;
  /** skipped because it was still busy */
  readonly skipped: number;
}

/**
 * Everything that a pipeline counts at one instant, for a status line, a page, diagnostics, telemetry and
 * reports.
 */
export interface PipelineSnapshot {
  readonly state: PipelineState;
  readonly uptimeSeconds: number;
  /** milliseconds since it became active; null while inactive */
  readonly activeMs: number | null;
  /** how long frames have been accepted, without pauses and loading */
  readonly activeSeconds: number;
  /** the part of it in which frames arrived; 0 before the second frame */
  readonly framesSeconds: number;
  /** null until the engine is loaded */
  readonly engine: EngineInfo | null;
  readonly engineLost: number;
  readonly engineRestored: number;
  readonly lastIncident: string | null;
  readonly frames: FrameCounts;
  readonly fps: FramesPerSecond;
  readonly detections: number;
  readonly cameras: Readonly<Record<string, CameraSnapshot>>;
  /** since start */
  readonly latencyMs: LatencyStats;
  /** over the last 5 to 10 s */
  readonly recentMs: LatencyStats;
  readonly sinks: Readonly<Record<string, SinkCounts>>;
  readonly process: ProcessStats;
}
