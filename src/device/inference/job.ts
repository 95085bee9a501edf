import type { DropReason } from '../../contract/drops.ts';
import { GoshawkError, type ErrorCode, type ErrorDetails } from '../../contract/errors.ts';
import type { DecodeLimits, InferenceInput, InferenceItem, InferenceOutcome } from './engine.ts';
import type { RunDoneMessage, RunItem } from './runner-messages.ts';
import { viewSlab, viewStatistics } from './slab.ts';

/** One call of `infer` in progress. */
export interface EngineJob {
  readonly id: number;
  readonly inputs: readonly InferenceInput[];
  readonly limits: DecodeLimits;
  /** monotonic milliseconds of the call, and of the hand-over to a runner */
  readonly submittedAt: number;
  handedAt: number;
  readonly resolve: (outcome: InferenceOutcome) => void;
}

/** Settles a job with its runner's answer. `keepsPixels`: the caller's buffers never left this process. */
export function settleDone(job: EngineJob, message: RunDoneMessage, keepsPixels: boolean, now: number): void {
  const items = message.items.map((item, i) =>
    toItem(item, message.slabs[i], keepsPixels ? job.inputs[i]?.pixels : message.pixels[i]),
  );
  const { inference, decode } = message;
  const queue = Math.max(0, now - job.submittedAt - inference - decode);
  job.resolve({ items, times: { queue, inference, decode } });
}

/** Settles a job that no runner finished: every image gets the same reason. */
export function settleFailed(
  job: EngineJob,
  reason: DropReason,
  error: GoshawkError,
  keepsPixels: boolean,
  now: number,
): void {
  const items = job.inputs.map(({ pixels }): InferenceItem => {
    const failure = { ok: false, reason, code: error.code, message: error.message } as const;
    return keepsPixels ? { ...failure, pixels } : failure;
  });
  job.resolve({ items, times: { queue: Math.max(0, now - job.submittedAt), inference: 0, decode: 0 } });
}

function toItem(
  item: RunItem,
  slab: ArrayBuffer | undefined,
  pixels: Uint8Array<ArrayBuffer> | undefined,
): InferenceItem {
  if (item.ok && slab !== undefined && pixels !== undefined) {
    const { detections } = viewSlab(slab, item.count);
    if (!item.isMeasured) return { ok: true, detections, pixels };
    return { ok: true, detections, pixels, statistics: viewStatistics(slab) };
  }
  const failure = item.ok ? internal('a runner returned no buffers') : item;
  const message = new GoshawkError(failure.code, failure.details).message;
  const { reason, code } = failure;
  return pixels === undefined
    ? { ok: false, reason, code, message }
    : { ok: false, reason, code, message, pixels };
}

function internal(reason: string): { reason: DropReason; code: ErrorCode; details: ErrorDetails } {
  return { reason: 'inference_failed', code: 'GOSHAWK_INTERNAL', details: { reason } };
}
