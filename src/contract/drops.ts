/**
 * Why a received frame was not published: the one table of drop reasons. The ledger keeps a count for each; the names
 * are labels of metrics, keys of reports and values of telemetry, so their meaning never changes. The descriptions are
 * the table in docs/drops.md.
 */
const DROPS = {
  superseded: 'a newer frame of the same camera arrived while this one waited (depth 1, newest wins)',
  malformed: 'the data does not match its header (sizes, step, truncated bytes)',
  unsupported_encoding: 'an encoding or compression that Goshawk does not support',
  bad_size: 'width or height of zero, above the limit, or impossible in this layout (odd sides of YUV)',
  corrupt_image: 'a JPEG or PNG that does not decode',
  stamp_repeated: 'the same stamp as the frame before',
  stamp_regressed: 'a stamp older than that of the frame before',
  stamp_stale: 'a stamp further in the past than the limit',
  stamp_future:
    'a stamp further in the future than the limit, or one that runs far ahead of the frames before it',
  deadline: 'its deadline passed before the result was ready',
  rate_limited: 'more frames arrived than the operator wants processed (`publish_rate`)',
  inactive: 'the node is not active',
  inference_failed: 'the engine refused or failed on this frame',
  engine_lost: 'the engine died or stopped answering with this frame in flight',
  invalid_output: 'the model returned NaN or infinity',
  out_of_order: 'its result arrived after that of a newer frame of the same camera',
  publish_failed: 'the result could not be delivered to a sink',
  shutdown: 'the pipeline was closed while the frame was waiting',
} as const;

export type DropReason = keyof typeof DROPS;

/** In the order of the table, which is also that of the metrics. */
export const DROP_REASONS = Object.keys(DROPS) as [DropReason, ...DropReason[]];

/** What each reason means, in a sentence. @public for docs/drops.md */
export const DROP_DESCRIPTIONS: Readonly<Record<DropReason, string>> = DROPS;

/** Frames that are dropped intentionally, which is not a fault of the camera. */
export const REQUESTED_DROPS: ReadonlySet<DropReason> = new Set(['rate_limited', 'inactive']);
