import type { BundleManifest } from '../../contract/bundle.ts';
import type { InferenceEngine } from '../inference/engine.ts';
import type { PipelineCamera } from './camera-intake.ts';
import type { Clock } from '../../platform/clock.ts';
import type { LimitsPatch } from './limit-table.ts';
import type { ResultSink } from './frame/frame-result.ts';
import type { PreprocessPreference } from './preprocess-choice.ts';
import type { StampLimits } from './stamp-guard.ts';

/** The subject of a notice, besides its code: identifies repetitions. */
export interface NoticeSubject {
  readonly camera?: string;
  /** such as why a frame was dropped, or which sink failed; one of a few words */
  readonly reason?: string;
}

/** A line for the log. `code` is stable, the message is for people. */
export interface PipelineNotice extends NoticeSubject {
  readonly level: 'info' | 'warn' | 'error';
  readonly code: string;
  readonly message: string;
}

/** What a pipeline needs to know of the bundle that its engine runs. */
export type ModelManifest = Pick<BundleManifest, 'labels' | 'input' | 'thresholds'>;

/** A model that takes the place of another one. */
export interface NextModel {
  /** not started yet: the pipeline starts and closes it */
  readonly engine: InferenceEngine;
  readonly manifest: ModelManifest;
  /** The limits of the operator for this model, asked for when it takes over. */
  readonly limits: () => LimitsPatch;
}

export interface PipelineOptions {
  /** not started yet: the pipeline starts and closes it */
  readonly engine: InferenceEngine;
  readonly manifest: ModelManifest;
  readonly cameras: readonly PipelineCamera[];
  /** default `auto` */
  readonly preprocess?: PreprocessPreference;
  /** default: the bundle's thresholds, all classes */
  readonly limits?: LimitsPatch;
  /** tracks objects from frame to frame and gives them ids; default off */
  readonly tracking?: boolean;
  readonly sinks?: readonly ResultSink[];
  /** default: both checks off */
  readonly stamps?: StampLimits;
  /** frames per job of the engine; default: 1 on a CPU, else as many as the engine and the number of cameras allow */
  readonly maxBatch?: number;
  /** milliseconds that a frame waits for others to fill a batch; default 3 */
  readonly maxWaitMs?: number;
  /** seam for tests; default 10 s: longer than the engine's own limit, which knows more about the fault */
  readonly engineTimeoutMs?: number;
  /** seam for tests; default 2 s */
  readonly sinkTimeoutMs?: number;
  /** milliseconds that `deactivate` and `close` wait for frames in flight; seam for tests, default 3 s */
  readonly drainMs?: number;
  /** seam for tests */
  readonly clock?: Clock;
  readonly onNotice?: (notice: PipelineNotice) => void;
}
