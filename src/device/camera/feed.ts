import type { CompressedView, ImageView } from '../../core/frame.ts';
import type { RefusalReason } from '../../core/refusal.ts';
import type { GroundTruthBox } from './source.ts';

/** An image of a feed with what is known about it. */
export interface FeedFrame {
  readonly image: ImageView | CompressedView;
  readonly groundTruth?: readonly GroundTruthBox[];
  /** milliseconds after the first frame at which this one is to be seen; `undefined` if the rate alone decides */
  readonly dueMs?: number;
}

/** What a feed tells besides its images. */
export interface FeedEvents {
  /**
   * An image could not be read: why, as the ledger counts it, and in words. Called once for each that
   * `unreadable` counts.
   */
  onUnreadable(reason: RefusalReason, detail: string): void;
  /** Something that a person should know of the source, in words. */
  onNotice(message: string): void;
}

/** Where the images of a camera come from, without any idea of time passing. */
export interface FrameFeed {
  /** for people; may say more once it is open */
  readonly description: string;
  /** images that could not be read so far */
  readonly unreadable: number;
  /** mean milliseconds between frames that carry their own `dueMs`, known once it is open */
  readonly periodMs?: number | undefined;
  /** @throws GoshawkError if there is nothing to read */
  open(events: FeedEvents): Promise<void>;
  /** The next image, in memory that is the caller's; `undefined` at the end. Called again only after it settled. */
  next(): Promise<FeedFrame | undefined>;
  close(): Promise<void>;
}
