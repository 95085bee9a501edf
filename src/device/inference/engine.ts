import type { Detections } from '../../core/detections.ts';
import type { PixelEncoding } from '../../core/image/image-view.ts';
import type { Letterbox } from '../../core/image/letterbox.ts';
import type { SizingChoice } from '../../core/sizing/choice.ts';
import type { LoadCounts, SettingRole } from '../../core/sizing/load-watch.ts';
import type { DropReason } from '../../contract/drops.ts';
import type { ReferenceCheck, VariantChoice } from '../../contract/engine-choice.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import type { ProviderName } from '../../contract/providers.ts';

/** Limits applied while decoding; they may change from one frame to the next. */
export interface DecodeLimits {
  /** 0..1 */
  readonly scoreThreshold: number;
  /** 0..1, non-maximum suppression within a class */
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** one byte per label, 1 keeps the class; `null` keeps all */
  readonly classFilter: Uint8Array | null;
  /**
   * true counts every class of a box, for evaluations; by default, and in what a robot publishes, only the best class
   * counts
   */
  readonly multiLabel?: boolean;
}

/**
 * One image for the network. `pixels` is transferred to the engine (its ArrayBuffer is detached) and returns with the
 * outcome, so that a pool can reuse it.
 *
 * - `letterboxed`: uint8 RGB `[inputHeight, inputWidth, 3]`, ready for the graph.
 * - `raw`: the camera's own rows (`rgb8` or `bgr8`, tightly packed or with a `step`); the engine resizes inside the
 *   graph.
 */
export interface InferenceInput {
  readonly kind: 'letterboxed' | 'raw';
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly letterbox: Letterbox;
  readonly encoding: PixelEncoding;
  /** bytes per row of `pixels` */
  readonly step: number;
  /** true measures the frame as well; default false */
  readonly wantsStatistics?: boolean;
}

export interface InferenceTimes {
  /** milliseconds that the job waited inside the engine for a free thread */
  readonly queue: number;
  /** milliseconds in the graph, preprocessing nodes included */
  readonly inference: number;
  /** milliseconds of decoding, suppression and, if they are wanted, statistics */
  readonly decode: number;
}

/** The outcome for one image; `detections` are in source pixels. */
export type InferenceItem =
  | {
      readonly ok: true;
      readonly detections: Detections;
      readonly pixels: Uint8Array<ArrayBuffer>;
      /** of the frame (`core/drift/frame-block.ts`), valid as long as `detections`; absent if they were not wanted */
      readonly statistics?: Float32Array;
    }
  | {
      readonly ok: false;
      readonly reason: DropReason;
      readonly code: ErrorCode;
      readonly message: string;
      /** absent if the buffer was lost with a process */
      readonly pixels?: Uint8Array<ArrayBuffer>;
    };

export interface InferenceOutcome {
  /** one per input, in order */
  readonly items: readonly InferenceItem[];
  readonly times: InferenceTimes;
}

/** Why a preferred provider was not used. */
export interface ProviderRefusal {
  readonly provider: ProviderName;
  readonly reason: string;
}

/** How an engine that sizes itself chose its setting. */
export interface EngineSizing extends SizingChoice {
  /** which of the two is running */
  readonly role: SettingRole;
  /** how often it moved between the settings since start */
  readonly moves: number;
  /** the outcome of the latest move, in words; null before the first */
  readonly lastMove: string | null;
}

/** What an engine turned out to be once it was loaded and warm. */
export interface EngineInfo {
  readonly kind: 'worker' | 'child';
  readonly bundle: { readonly name: string; readonly version: string; readonly digest: string };
  readonly variant: string;
  readonly precision: string;
  readonly provider: ProviderName;
  /** true if the inference library's exact 8-bit kernels are used, on a CPU whose standard ones saturate */
  readonly exactInt8: boolean;
  readonly refusals: readonly ProviderRefusal[];
  /** result of the variant's reference check, in the runner that serves */
  readonly referenceCheck: ReferenceCheck;
  /** why this variant and not another one */
  readonly choice: VariantChoice;
  /** number of graph nodes on each provider, by ONNX Runtime's name for it */
  readonly nodesByProvider: Readonly<Record<string, number>>;
  readonly threads: number;
  readonly workers: number;
  /** jobs that a runner holds at a time */
  readonly queueDepth: number;
  /** null if the operator fixed the setting */
  readonly sizing: EngineSizing | null;
  readonly maxBatch: number;
  /** true if `raw` inputs are accepted */
  readonly acceptsRaw: boolean;
  readonly loadMs: number;
  readonly warmupMs: number;
}

/**
 * Inference off the caller's thread; one interface, two implementations (worker threads, child processes). `infer`
 * never rejects: a failure is an item with a reason, so that every frame can be accounted for.
 */
export interface InferenceEngine {
  /** Loads, warms up, and resolves once the first frame can be taken. Rejects with a coded error. */
  start(): Promise<EngineInfo>;
  /** How many jobs may be submitted at a time without one waiting behind another. May change while the engine runs. */
  readonly parallel: number;
  /** The highest value that `parallel` will ever have; if absent, `parallel`. Known once the engine has started. */
  readonly maxParallel?: number;
  /** How many newer results may wait for a late one; if absent, `parallel`. May change while the engine runs. */
  readonly reorderWindow?: number;
  infer(inputs: readonly InferenceInput[], limits: DecodeLimits): Promise<InferenceOutcome>;
  /** Returns detections that nobody reads any more, so that their memory can be reused. Calling it is optional. */
  recycle?(detections: Detections): void;
  /** Lets the jobs in flight finish, then ends threads or processes. Safe to call twice. */
  close(): Promise<void>;
  /** Called when a process or thread was lost and when its replacement is ready. */
  onIncident(listener: (incident: EngineIncident) => void): void;
  /** For engines that size themselves: where they read the load and report changes. */
  follow?(observer: SizingObserver): void;
}

/** The observer of an engine that sizes itself. */
export interface SizingObserver {
  counts(): LoadCounts;
  /** The engine changed its setting, or could not; `message` is for people. */
  onSizing(info: EngineInfo, level: 'info' | 'warn', message: string): void;
}

export interface EngineIncident {
  readonly kind: 'lost' | 'restored' | 'failed';
  readonly code: ErrorCode;
  readonly message: string;
  /** jobs that were lost with it */
  readonly lostJobs: number;
}
