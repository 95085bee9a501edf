/**
 * Why a frame was received and not published. The ledger holds one count for each; the names are labels of
 * metrics and keys of reports, so they never change their meaning.
 */
export const DROP_REASONS = [
  /** a newer frame of the same camera came while this one waited (depth 1, newest wins) */
  'superseded',
  /** the message does not hold what its header says (sizes, step, truncated bytes) */
  'malformed',
  /** an encoding or compression that Goshawk does not read */
  'unsupported_encoding',
  /** width or height of zero, or above the limit */
  'bad_size',
  /** a JPEG or PNG that does not decode */
  'corrupt_image',
  /** a stamp not newer than the one before: repeated */
  'stamp_repeated',
  /** a stamp older than the one before */
  'stamp_regressed',
  /** a stamp further in the past than the limit */
  'stamp_stale',
  /** a stamp further in the future than the limit, or one that runs far ahead of the frames before it */
  'stamp_future',
  /** its deadline passed before a result was there */
  'deadline',
  /** more frames came than an operator wants processed (`publish_rate`) */
  'rate_limited',
  /** the node is not active */
  'inactive',
  /** the engine refused or failed on this frame */
  'inference_failed',
  /** the engine died or stopped answering with this frame in hand */
  'engine_lost',
  /** the model put out NaN or infinity */
  'invalid_output',
  /** its result came after that of a newer frame of the same camera */
  'out_of_order',
  /** the result could not be handed to a sink */
  'publish_failed',
  /** the pipeline was closed with the frame waiting */
  'shutdown',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];
