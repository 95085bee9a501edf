import type { Stamp } from '../../core/frame.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import type { RefusalReason } from '../../core/refusal.ts';
import type { GroundTruthBox } from './source.ts';

/** What a recording knows of one of its images. */
export interface RecordedTimes {
  /** of the message's header */
  readonly stamp: Stamp;
  readonly frameId: string;
  /** when the message was recorded, milliseconds since the epoch of the recording machine's clock */
  readonly arrivedMs: number;
}

/** An image of a feed with its metadata. */
export interface FeedFrame {
  readonly image: ImageView | CompressedView;
  readonly groundTruth?: readonly GroundTruthBox[];
  /** milliseconds after the first frame at which this one is due; `undefined` if only the rate decides */
  readonly dueMs?: number;
  /** only of recordings */
  readonly recorded?: RecordedTimes;
}

/** Events of a feed in addition to its images. */
export interface FeedEvents {
  /**
   * An image could not be read: the reason that the ledger counts, and an explanation. Called once for each
   * that `unreadable` counts.
   */
  onUnreadable(reason: RefusalReason, detail: string): void;
  /** A notice about the source for the user. */
  onNotice(message: string): void;
}

/** The source of a camera's images, without any pacing. */
export interface FrameFeed {
  /** description for display; may be more detailed once it is open */
  readonly description: string;
  /** images that could not be read so far */
  readonly unreadable: number;
  /** mean milliseconds between frames that carry their own `dueMs`, known once it is open */
  readonly periodMs?: number | undefined;
  /** @throws GoshawkError if there is nothing to read */
  open(events: FeedEvents): Promise<void>;
  /**
   * The next image, in memory owned by the caller; `undefined` at the end. Called again only after the
   * previous call settled.
   */
  next(): Promise<FeedFrame | undefined>;
  close(): Promise<void>;
}
