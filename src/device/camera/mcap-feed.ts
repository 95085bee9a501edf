import { GoshawkError } from '../../contract/errors.ts';
import { parseCompressedImage, toCompressedView } from '../../core/cdr/compressed-image.ts';
import { parseImage, toImageView } from '../../core/cdr/image.ts';
import type { CompressedView, ImageView } from '../../core/frame.ts';
import { DEFAULT_IMAGE_LIMITS } from '../../core/image/limits.ts';
import type { PictureSize } from '../../core/image/compressed-size.ts';
import { decodeToRgb } from '../pipeline/decode-image.ts';
import type { FeedFrame, FrameFeed } from './feed.ts';
import { openRecording, type OpenRecording } from './mcap-reader.ts';

export interface McapFeedOptions {
  readonly path: string;
  /** the image topic; the first one of the recording where it is not given */
  readonly topic?: string;
  /** frames a second, on the mean; the recording's own pace where it is not given */
  readonly rate?: number;
  readonly loop: boolean;
  readonly size?: PictureSize;
}

/** For a recording of a single frame, or one without statistics. */
const UNKNOWN_PERIOD_MS = 100;

const IMAGE = /^sensor_msgs\/(msg\/)?Image$/;
const COMPRESSED = /^sensor_msgs\/(msg\/)?CompressedImage$/;

interface ImageTopic {
  readonly topic: string;
  readonly isCompressed: boolean;
  readonly count: number;
}

/**
 * Images of an MCAP recording of the `ros2` profile, in their recorded rhythm; with `rate`, stretched to that mean rate.
 * Messages that do not parse are passed over and counted.
 */
export class McapFeed implements FrameFeed {
  readonly description: string;
  unreadable = 0;
  periodMs = UNKNOWN_PERIOD_MS;
  readonly #options: McapFeedOptions;
  #recording: OpenRecording | undefined;
  #topic: ImageTopic | undefined;
  #messages: AsyncGenerator<{ readonly data: Uint8Array; readonly logTime: bigint }, void, void> | undefined;
  #isClosed = false;
  /** first message of this round, and when the round began on the feed's own time line */
  #firstLogTime: bigint | undefined;
  #roundStart = 0;
  #lastDue = 0;
  #scale = 1;
  #readable = 0;

  constructor(options: McapFeedOptions) {
    this.#options = options;
    this.description = `recording ${options.path}${options.topic === undefined ? '' : ` ${options.topic}`}`;
  }

  async open(): Promise<void> {
    try {
      this.#recording = await openRecording(this.#options.path);
    } catch (error) {
      this.#refuse(error instanceof Error ? error.message : String(error), error);
    }
    const { reader } = this.#recording;
    if (reader.header.profile !== 'ros2') {
      this.#refuse(`its profile is "${reader.header.profile}", not "ros2"`);
    }
    this.#topic = this.#findTopic();
    const { messageStartTime, messageEndTime } = reader.statistics ?? {};
    const known = messageStartTime !== undefined && messageEndTime !== undefined && this.#topic.count > 1;
    const recorded = known ? Number(messageEndTime - messageStartTime) / 1e6 / (this.#topic.count - 1) : 0;
    const { rate } = this.#options;
    this.periodMs = rate === undefined ? Math.max(1, recorded || UNKNOWN_PERIOD_MS) : 1000 / rate;
    if (recorded > 0) this.#scale = this.periodMs / recorded;
  }

  async next(): Promise<FeedFrame | undefined> {
    while (!this.#isClosed) {
      this.#messages ??= this.#beginRound();
      const step = await this.#read(this.#messages);
      if (step.done === true) {
        this.#messages = undefined;
        if (!this.#options.loop) return undefined;
        if (this.#readable === 0) this.#refuse('none of its images can be read');
        continue;
      }
      const { data, logTime } = step.value;
      const dueMs = this.#dueOf(logTime);
      const image = await this.#decode(data);
      if (image !== undefined) {
        this.#readable += 1;
        return { image, dueMs };
      }
      this.unreadable += 1;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#recording?.file.close();
    this.#recording = undefined;
  }

  #beginRound(): AsyncGenerator<{ readonly data: Uint8Array; readonly logTime: bigint }, void, void> {
    const first = this.#firstLogTime === undefined;
    this.#firstLogTime = undefined;
    this.#roundStart = first ? 0 : this.#lastDue + this.periodMs;
    return this.#recording!.reader.readMessages({ topics: [this.#topic!.topic], validateCrcs: true });
  }

  #dueOf(logTime: bigint): number {
    this.#firstLogTime ??= logTime;
    this.#lastDue = this.#roundStart + (Number(logTime - this.#firstLogTime) / 1e6) * this.#scale;
    return this.#lastDue;
  }

  async #read<T>(messages: AsyncGenerator<T, void, void>): Promise<IteratorResult<T, void>> {
    try {
      return await messages.next();
    } catch (error) {
      if (this.#isClosed) return { done: true, value: undefined };
      return this.#refuse(error instanceof Error ? error.message : String(error), error);
    }
  }

  async #decode(data: Uint8Array): Promise<ImageView | CompressedView | undefined> {
    const image = this.#topic!.isCompressed ? viewOfCompressed(data) : viewOfRaw(data);
    const { size } = this.#options;
    if (image === undefined || size === undefined) return image;
    return decodeToRgb(image, DEFAULT_IMAGE_LIMITS.maxPixels, size).catch(() => undefined);
  }

  #findTopic(): ImageTopic {
    const { reader } = this.#recording!;
    const found: ImageTopic[] = [];
    for (const channel of reader.channelsById.values()) {
      const name = reader.schemasById.get(channel.schemaId)?.name ?? '';
      const isCompressed = COMPRESSED.test(name);
      if (channel.messageEncoding !== 'cdr' || !(isCompressed || IMAGE.test(name))) continue;
      const count = Number(reader.statistics?.channelMessageCounts.get(channel.id) ?? 0n);
      found.push({ topic: channel.topic, isCompressed, count });
    }
    found.sort((a, b) => (a.topic < b.topic ? -1 : 1));
    const { topic } = this.#options;
    const chosen = topic === undefined ? found[0] : found.find((one) => one.topic === topic);
    if (chosen !== undefined) return chosen;
    const names = found.map((one) => one.topic).join(', ');
    return this.#refuse(
      topic === undefined
        ? 'it has no image topic'
        : `it has no image topic ${topic}; it has ${names || 'none'}`,
    );
  }

  #refuse(reason: string, cause?: unknown): never {
    throw new GoshawkError(
      'GOSHAWK_CAMERA_UNUSABLE',
      { camera: `mcap:${this.#options.path}`, reason },
      { cause },
    );
  }
}

/** In memory of its own: messages of a chunk share theirs. */
function viewOfRaw(data: Uint8Array): ImageView | undefined {
  const message = parseImage(data.slice());
  if (!message.ok) return undefined;
  const checked = toImageView(message);
  return checked.ok ? checked.view : undefined;
}

function viewOfCompressed(data: Uint8Array): CompressedView | undefined {
  const message = parseCompressedImage(data.slice());
  if (!message.ok) return undefined;
  const checked = toCompressedView(message);
  return checked.ok ? checked.view : undefined;
}
