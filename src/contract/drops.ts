/**
 * Why a frame was received and not published: the one table of drop reasons. The ledger holds one count for
 * each; the names are labels of metrics, keys of reports and values of telemetry, so they never change their
 * meaning. The descriptions are the table in docs/drops.md.
 */
const DROPS = {
  superseded: 'a newer frame of the same camera came while this one waited (depth 1, newest wins)',
  malformed: 'the message does not hold what its header says (sizes, step, truncated bytes)',
  unsupported_encoding: 'an encoding or compression that Goshawk does not read',
  bad_size: 'width or height of zero, above the limit, or impossible in this layout (odd sides of YUV)',
  corrupt_image: 'a JPEG or PNG that does not decode',
  stamp_repeated: 'a stamp not newer than the one before: repeated',
  stamp_regressed: 'a stamp older than the one before',
  stamp_stale: 'a stamp further in the past than the limit',
  stamp_future:
    'a stamp further in the future than the limit, or one that runs far ahead of the frames before it',
  deadline: 'its deadline passed before a result was there',
  rate_limited: 'more frames came than an operator wants processed (`publish_rate`)',
  inactive: 'the node is not active',
  inference_failed: 'the engine refused or failed on this frame',
  engine_lost: 'the engine died or stopped answering with this frame in flight',
  invalid_output: 'the model put out NaN or infinity',
  out_of_order: 'its result came after that of a newer frame of the same camera',
  publish_failed: 'the result could not be handed to a sink',
  shutdown: 'the pipeline was closed with the frame waiting',
} as const;

export type DropReason = keyof typeof DROPS;

/** In the order of the table, which is that of the metrics. */
export const DROP_REASONS = Object.keys(DROPS) as [DropReason, ...DropReason[]];

/** What each reason means, in a sentence. @public for docs/drops.md */
export const DROP_DESCRIPTIONS: Readonly<Record<DropReason, string>> = DROPS;

/** Frames that are left out because somebody asked for it: no trouble of the camera. */
export const REQUESTED_DROPS: ReadonlySet<DropReason> = new Set(['rate_limited', 'inactive']);
