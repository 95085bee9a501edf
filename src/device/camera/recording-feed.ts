import { GoshawkError } from '../../contract/errors.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import { refuse } from '../../core/refusal.ts';
import { decodeToRgb } from '../imaging/decode-image.ts';
import { openRecording } from '../recording/open-recording.ts';
import type { RecordedDamage, RecordedMessage, RecordedTopic, Recording } from '../recording/recording.ts';
import { chooseTopic, describeTopic, type ImageTopic } from './choose-topic.ts';
import type { FeedEvents, FeedFrame, FrameFeed } from './feed.ts';
import { imageKind, isColor, readRecordedImage, type RecordedImage } from './recorded-image.ts';

export interface RecordingFeedOptions {
  readonly path: string;
  /** the image topic; one in color by default */
  readonly topic?: string;
  /** mean frames per second; the recording's own pace by default */
  readonly rate?: number;
  readonly loop: boolean;
  readonly size?: ImageSize;
}

/** The topic that is played. */
type PlayedTopic = Pick<ImageTopic, 'name' | 'kind' | 'count'>;

/** Period for a recording of a single frame. */
const UNKNOWN_PERIOD_MS = 100;
/** Number of messages at the start of a topic that are read to determine its content. */
const PEEKED = 5;

/**
 * Images of a ROS 2 recording at their recorded times; with `rate`, scaled to that mean rate of its topic.
 * Messages that do not parse are skipped and counted.
 */
export class RecordingFeed implements FrameFeed {
  unreadable = 0;
  periodMs = UNKNOWN_PERIOD_MS;
  readonly #options: RecordingFeedOptions;
  #recording: Recording | undefined;
  #topic: PlayedTopic | undefined;
  #events: FeedEvents = { onUnreadable: () => undefined, onNotice: () => undefined };
  #messages: AsyncGenerator<RecordedMessage | RecordedDamage, void, void> | undefined;
  #isClosed = false;
  #isCut = false;
  /** first message of this round, and the start of the round on the feed's own time line */
  #firstLogTime: bigint | undefined;
  #roundStart = 0;
  #lastDue = 0;
  #scale = 1;
  #readable = 0;
  #lastRefusal = 'it has no messages';

  constructor(options: RecordingFeedOptions) {
    this.#options = options;
  }

  get description(): string {
    const topic = this.#topic?.name ?? this.#options.topic;
    return `recording ${this.#options.path}${topic === undefined ? '' : ` ${topic}`}`;
  }

  /** False once something is known to be missing: a file that is cut short or damaged, images that cannot be read. */
  get isWhole(): boolean {
    return !this.#isCut && this.unreadable === 0;
  }

  async open(events: FeedEvents): Promise<void> {
    this.#events = events;
    try {
      this.#recording = await openRecording(this.#options.path);
      this.#topic = await this.#findTopic(this.#recording);
      await this.#setPace(this.#recording, this.#topic);
    } catch (error) {
      await this.#closeRecording();
      if (error instanceof GoshawkError) throw error;
      this.#refuse(error instanceof Error ? error.message : String(error), error);
    }
    this.#isCut = this.#recording.notices.length > 0;
    for (const notice of this.#recording.notices) events.onNotice(`${this.description}: ${notice}`);
  }

  async next(): Promise<FeedFrame | undefined> {
    while (!this.#isClosed) {
      this.#messages ??= this.#beginRound();
      const step = await this.#read(this.#messages);
      if (step.done === true) {
        this.#messages = undefined;
        if (this.#isClosed) return undefined;
        if (this.#readable === 0)
          this.#refuse(`none of the images of ${this.#topic!.name} can be read: ${this.#lastRefusal}`);
        if (!this.#options.loop) return undefined;
        continue;
      }
      const frame = await this.#toFrame(step.value);
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#closeRecording();
  }

  async #closeRecording(): Promise<void> {
    const recording = this.#recording;
    this.#recording = undefined;
    await recording?.close();
  }

  #beginRound(): AsyncGenerator<RecordedMessage | RecordedDamage, void, void> {
    const first = this.#firstLogTime === undefined;
    this.#firstLogTime = undefined;
    this.#roundStart = first ? 0 : this.#lastDue + this.periodMs;
    return this.#recording!.messages(this.#topic!.name);
  }

  async #toFrame(item: RecordedMessage | RecordedDamage): Promise<FeedFrame | undefined> {
    if ('damage' in item) {
      this.#countUnreadable(refuse('malformed', item.damage));
      return undefined;
    }
    const dueMs = this.#dueOf(item.logTime);
    const image = await this.#decode(item.data);
    if (!image.ok) {
      this.#countUnreadable(image);
      return undefined;
    }
    this.#readable += 1;
    const { view, stamp, frameId } = image;
    return { image: view, dueMs, recorded: { stamp, frameId, arrivedMs: Number(item.logTime) / 1e6 } };
  }

  #countUnreadable({ reason, detail }: RecordedImage & { readonly ok: false }): void {
    this.unreadable += 1;
    this.#lastRefusal = detail;
    this.#events.onUnreadable(reason, detail);
  }

  #dueOf(logTime: bigint): number {
    this.#firstLogTime ??= logTime;
    const due = this.#roundStart + (Number(logTime - this.#firstLogTime) / 1e6) * this.#scale;
    // Files read without an index may contain messages slightly out of order: those are due immediately.
    this.#lastDue = Math.max(this.#lastDue, due);
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

  async #decode(data: Uint8Array): Promise<RecordedImage> {
    const image = readRecordedImage(data, this.#topic!.kind);
    const { size } = this.#options;
    if (!image.ok || size === undefined) return image;
    try {
      return { ...image, view: await decodeToRgb(image.view, size) };
    } catch (error) {
      return refuse('corrupt_image', error instanceof Error ? error.message : String(error));
    }
  }

  /** The pace is that of the topic, because others may have begun earlier or ended later. */
  async #setPace(recording: Recording, { name, count }: PlayedTopic): Promise<void> {
    const span = count > 1 ? await recording.span(name) : undefined;
    const recorded = span === undefined ? 0 : Number(span.last - span.first) / 1e6 / (count - 1);
    const { rate } = this.#options;
    this.periodMs = rate === undefined ? Math.max(1, recorded || UNKNOWN_PERIOD_MS) : 1000 / rate;
    if (recorded > 0) this.#scale = this.periodMs / recorded;
  }

  /**
   * A named topic is used without checks. Otherwise the images are inspected, which reads from all over the
   * file.
   */
  async #findTopic(recording: Recording): Promise<PlayedTopic> {
    const images = recording.topics.flatMap(({ name, type, encoding, count }): PlayedTopic[] => {
      const kind = imageKind(type);
      return kind === undefined || encoding !== 'cdr' ? [] : [{ name, kind, count }];
    });
    const { topic } = this.#options;
    const named = images.find(({ name }) => name === topic);
    if (named !== undefined) return named;
    const found: ImageTopic[] = [];
    for (const image of images)
      found.push({ ...image, content: await peek(recording, image.name, image.kind) });
    const chosen = topic === undefined ? chooseTopic(found) : undefined;
    const list = found.map(describeTopic).join(', ');
    if (chosen === undefined) {
      const wanted = topic === undefined ? 'no image topic' : `no image topic ${topic}`;
      return this.#refuse(`it has ${wanted}; it has ${list || describeOthers(recording.topics)}`);
    }
    if (found.length > 1)
      this.#events.onNotice(
        `${this.description}: playing ${chosen.name}; it has ${list} (",topic=NAME" selects another)`,
      );
    return chosen;
  }

  #refuse(reason: string, cause?: unknown): never {
    throw new GoshawkError(
      'GOSHAWK_CAMERA_UNUSABLE',
      { camera: `mcap:${this.#options.path}`, reason },
      { cause },
    );
  }
}

/** The content of the first images of a topic. */
async function peek(
  recording: Recording,
  topic: string,
  kind: 'raw' | 'compressed',
): Promise<ImageTopic['content']> {
  let unreadable = 'it has no messages';
  let looked = 0;
  for await (const item of recording.messages(topic)) {
    const image = 'damage' in item ? refuse('malformed', item.damage) : readRecordedImage(item.data, kind);
    if (image.ok) return isColor(image.view) ? 'color' : 'gray';
    unreadable = image.detail;
    looked += 1;
    if (looked === PEEKED) break;
  }
  return { unreadable };
}

const ROS1 = 'ros1';

/** The text for a recording without supported images: its content, and what to do. */
function describeOthers(topics: readonly RecordedTopic[]): string {
  if (topics.length === 0) return 'no topics at all';
  const shown = topics.slice(0, 20).map(({ name, type, encoding }) => `${name} (${type}, ${encoding})`);
  const more = topics.length > shown.length ? ` and ${String(topics.length - shown.length)} more` : '';
  const remedy = topics.some(({ encoding }) => encoding === ROS1)
    ? '; convert ROS 1 messages with: rosbags-convert --src FILE --dst FOLDER (pip install rosbags)'
    : '; supported are sensor_msgs/msg/Image and CompressedImage in CDR, as "ros2 bag record" writes them';
  return `${shown.join(', ')}${more}${remedy}`;
}
