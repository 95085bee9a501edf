/**
 * Why a received frame was not published. The ledger has one count per reason. The names are metric labels
 * and report keys, so their meaning never changes.
 */
export const DROP_REASONS = [
  /** a newer frame of the same camera arrived while this one waited (depth 1, newest wins) */
  'superseded',
  /** the message contradicts its own header (sizes, step, truncated bytes) */
  'malformed',
  /** an encoding or compression that Goshawk does not read */
  'unsupported_encoding',
  /** width or height of zero, or above the limit */
  'bad_size',
  /** a JPEG or PNG that does not decode */
  'corrupt_image',
  /** the same stamp as the previous frame */
  'stamp_repeated',
  /** a stamp older than that of the previous frame */
  'stamp_regressed',
  /** a stamp further in the past than the limit */
  'stamp_stale',
  /** a stamp further in the future than the limit, or far ahead of the frames before it */
  'stamp_future',
  /** its deadline passed before a result was ready */
  'deadline',
  /** more frames arrived than the operator wants processed (`publish_rate`) */
  'rate_limited',
  /** the node is not active */
  'inactive',
  /** the engine refused or failed on this frame */
  'inference_failed',
  /** the engine died or stopped answering while it had this frame */
  'engine_lost',
  /** the model returned NaN or infinity */
  'invalid_output',
  /** its result arrived after that of a newer frame of the same camera */
  'out_of_order',
  /** the result could not be handed to a sink */
  'publish_failed',
  /** the pipeline was closed while the frame was waiting */
  'shutdown',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];
