import type { DropReason } from '../../contract/drops.ts';
import type { ErrorCode, ErrorDetails } from '../../contract/errors.ts';
import type { Head } from '../../core/heads/head-table.ts';
import type { LetterboxResize } from '../../core/image/letterbox.ts';
import type { BestCandidates } from '../../core/references/deviation.ts';
import type { ReferenceCheck } from '../../contract/engine-choice.ts';
import type { ProviderName } from '../../contract/providers.ts';
import type { DecodeLimits, InferenceInput } from './engine.ts';

/**
 * Every message between an engine and its runners. Worker threads (buffers by transfer) and child processes (buffers
 * copied by the serializer) get the same messages; both sides are always the same build, so these are declared, not
 * validated.
 *
 * Decoding and suppression happen in the runner, not on the caller's thread: the raw output (1.2 MB for 3549 candidates
 * of 85 values) stays where it was written, and only a few hundred bytes of detections travel.
 */
export type ToRunner = LoadMessage | RunMessage | TrialMessage | { readonly type: 'close' };

export type FromRunner =
  | { readonly type: 'loaded'; readonly report: LoadReport }
  | { readonly type: 'load-failed'; readonly code: ErrorCode; readonly details: ErrorDetails }
  | RunDoneMessage
  | { readonly type: 'tried'; readonly results: readonly TrialResult[] };

/** What a variant must reproduce; `unchecked` says why there is nothing to compare it with. */
export type ReferenceTask =
  | { readonly kind: 'unchecked'; readonly why: string }
  | {
      readonly kind: 'check';
      /** images of the network's size, uint8 RGB */
      readonly inputs: readonly Uint8Array<ArrayBuffer>[];
      /** the expected outputs, in the same order */
      readonly outputs: readonly BestCandidates[];
      /** largest deviation that counts as the same */
      readonly tolerance: number;
      /** milliseconds after which no further input is started; two always run */
      readonly budgetMs: number;
    };

/** What a runner needs to know about a model. */
export interface ModelRequest {
  /** `name@version`, for messages */
  readonly bundle: string;
  /** id, for messages */
  readonly variant: string;
  /** the variant's file and what its bytes must hash to */
  readonly file: string;
  readonly sha256: string;
  readonly head: Head;
  readonly labels: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly padValue: number;
  readonly resize: LetterboxResize;
  readonly maxBatch: number;
  readonly provider: ProviderName;
  /** for nodes that the provider does not take, best first */
  readonly fallbacks: readonly ProviderName[];
  readonly threads: number;
  /** the inference library's exact 8-bit kernels, on CPUs whose standard ones saturate */
  readonly exactInt8: boolean;
  readonly reference: ReferenceTask;
  /** graphs to load and warm before the first frame */
  readonly inputs: 'letterboxed' | 'raw' | 'both';
}

export interface LoadMessage {
  readonly type: 'load';
  readonly model: ModelRequest;
}

export interface LoadReport {
  readonly loadMs: number;
  readonly warmupMs: number;
  readonly nodesByProvider: Readonly<Record<string, number>>;
  readonly acceptsRaw: boolean;
  readonly maxBatch: number;
  readonly referenceCheck: ReferenceCheck;
}

/**
 * Loads several ways to run a bundle, compares each with its references and times them in turn; the runner keeps none
 * of them.
 */
export interface TrialMessage {
  readonly type: 'trial';
  /** in the order in which to load them */
  readonly candidates: readonly TrialCandidate[];
  /** milliseconds after which no further candidate is loaded; at least one is */
  readonly loadBudgetMs: number;
  /** milliseconds after which no further round of timing starts */
  readonly timingBudgetMs: number;
}

export interface TrialCandidate {
  readonly model: ModelRequest;
  /** true: only where the same variant was refused before */
  readonly onlyAfterRefusal: boolean;
}

/** The result of one candidate. */
export interface TrialResult {
  /** null if it was not loaded */
  readonly check: ReferenceCheck | null;
  /** milliseconds of each timed run, in round order; empty if it was not timed */
  readonly times: readonly number[];
  /** why it was not loaded; empty if it was */
  readonly skipped: string;
  /** true if there was no time left to load it */
  readonly isLate: boolean;
}

export interface RunMessage {
  readonly type: 'run';
  readonly id: number;
  readonly inputs: readonly InferenceInput[];
  readonly limits: DecodeLimits;
  /** one per input, for detections and statistics (`slab.ts`) */
  readonly slabs: readonly ArrayBuffer[];
}

/** The result of one input; its buffers are in the `slabs` and `pixels` of the message. */
export type RunItem =
  | { readonly ok: true; readonly count: number; readonly isMeasured: boolean }
  | {
      readonly ok: false;
      readonly reason: DropReason;
      readonly code: ErrorCode;
      readonly details: ErrorDetails;
    };

export interface RunDoneMessage {
  readonly type: 'done';
  readonly id: number;
  readonly items: readonly RunItem[];
  readonly slabs: readonly ArrayBuffer[];
  /** the returned input buffers; empty from a child process, which got copies */
  readonly pixels: readonly Uint8Array<ArrayBuffer>[];
  /** milliseconds */
  readonly inference: number;
  readonly decode: number;
}
