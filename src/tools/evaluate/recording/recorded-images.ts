import type { ReadDetection } from '../../../core/cdr/read-detections.ts';
import { parseCompressedImage, toCompressedView } from '../../../core/cdr/compressed-image.ts';
import { parseImage, toImageView } from '../../../core/cdr/image.ts';
import type { Stamp } from '../../../core/frame.ts';
import type { CompressedView, ImageView } from '../../../core/image/image-view.ts';
import type { Refusal } from '../../../core/refusal.ts';
import { chooseTopic } from '../../../device/camera/choose-topic.ts';
import { imageKind } from '../../../device/camera/recorded-image.ts';
import { decodeOrRefuse } from '../../../device/imaging/image-file.ts';
import { openRecording } from '../../../device/recording/open-recording.ts';
import type { Recording } from '../../../device/recording/recording.ts';
import { RefusedImages } from './refused-images.ts';
import { inRecording, unusable } from './recording-error.ts';
import { digestRecording } from './recording-digest.ts';
import { chooseLabels, textOfStamp, readRecordedLabels, type RecordedLabels } from './recording-labels.ts';
import { unpackOrRefuse } from './unpack-message.ts';

export interface RecordedImagesOptions {
  /** the image topic; null for the most suitable one */
  readonly topic: string | null;
  /** the topic of labels (vision_msgs/msg/Detection2DArray); null for ground_truth or labels beside the images */
  readonly labels: string | null;
  /** false: images are wanted without labels, and labels are not looked for */
  readonly isLabeled: boolean;
}

/** An image of a recording, not decoded yet. */
interface RecordedImage {
  readonly index: number;
  /** its stamp, in seconds */
  readonly at: string;
  readonly view: ImageView | CompressedView;
  readonly labels: readonly ReadDetection[];
}

/** An image of a recording with its labels, decoded. */
export interface DecodedRecordedImage {
  /** in the order of the recording, with gaps where images were refused */
  readonly index: number;
  readonly view: ImageView;
  readonly labels: readonly ReadDetection[];
}

/** The images of one recording, one after the other; what is left out is counted by reason. */
export class RecordedImages {
  readonly file: string;
  readonly sha256: string;
  readonly topic: string;
  /** null if labels are not looked for */
  readonly labelTopic: string | null;
  /** image messages that the recording says it has */
  readonly expected: number;
  /** images that were refused so far */
  readonly refused = new RefusedImages();
  readonly #recording: Recording;
  readonly #labels: RecordedLabels | null;
  readonly #messages: AsyncGenerator<RecordedImage, void, void>;
  #unlabeled = 0;
  #unreadable = 0;

  /** @throws GoshawkError GOSHAWK_RECORDING_UNUSABLE, GOSHAWK_FILE_UNREADABLE, GOSHAWK_NO_SPACE */
  static open(file: string, options: RecordedImagesOptions): Promise<RecordedImages> {
    return inRecording(file, async () => {
      const recording = await openRecording(file);
      try {
        const refuse = (reason: string): never => {
          throw unusable(file, reason);
        };
        const { topic, kind, count } =
          imageTopic(recording, options.topic) ?? refuse('it has no image topic, or none of that name');
        const labelTopic = options.isLabeled ? chooseLabels(recording, topic, options.labels, refuse) : null;
        const labels = labelTopic === null ? null : await readRecordedLabels(recording, labelTopic);
        const facts = { file, sha256: await digestRecording(file), topic, labelTopic, expected: count };
        return new RecordedImages(recording, kind, labels, facts);
      } catch (error) {
        await recording.close();
        throw error;
      }
    });
  }

  private constructor(
    recording: Recording,
    kind: 'raw' | 'compressed',
    labels: RecordedLabels | null,
    facts: Pick<RecordedImages, 'file' | 'sha256' | 'topic' | 'labelTopic' | 'expected'>,
  ) {
    this.#recording = recording;
    this.#labels = labels;
    this.file = facts.file;
    this.sha256 = facts.sha256;
    this.topic = facts.topic;
    this.labelTopic = facts.labelTopic;
    this.expected = facts.expected;
    this.#messages = this.#read(kind);
  }

  /** words about the file: that it is cut short */
  get notices(): readonly string[] {
    return this.#recording.notices;
  }

  /** images without one label message of their stamp */
  get unlabeled(): number {
    return this.#unlabeled;
  }

  /** pieces of the file, and label messages, that cannot be read */
  get unreadable(): number {
    return this.#unreadable + (this.#labels?.unreadable ?? 0);
  }

  /**
   * The next image; null for one that was refused, undefined after the last one. May be called again before it returns.
   * @throws GoshawkError GOSHAWK_FILE_UNREADABLE
   */
  async next(): Promise<DecodedRecordedImage | null | undefined> {
    const { done, value } = await inRecording(this.file, () => this.#messages.next());
    if (done === true) return undefined;
    const decoded = await decodeOrRefuse(value.view);
    if (decoded.ok) return { index: value.index, view: decoded.view, labels: value.labels };
    this.refused.add(value.at, decoded);
    return null;
  }

  close(): Promise<void> {
    return this.#recording.close();
  }

  async *#read(kind: 'raw' | 'compressed'): AsyncGenerator<RecordedImage, void, void> {
    let index = 0;
    for await (const item of this.#recording.messages(this.topic)) {
      if ('damage' in item) {
        this.#unreadable += 1;
        continue;
      }
      const image = readImage(item.data, kind);
      if (!image.ok) {
        this.refused.add(`${String(item.logTime / 1_000_000_000n)} (recorded)`, image);
        continue;
      }
      const labels = this.#labels === null ? [] : this.#labels.take(image.stamp);
      if (labels === null) this.#unlabeled += 1;
      else yield { index: index++, at: textOfStamp(image.stamp), view: image.view, labels };
    }
  }
}

function imageTopic(
  { topics }: Recording,
  wanted: string | null,
): { readonly topic: string; readonly kind: 'raw' | 'compressed'; readonly count: number } | undefined {
  const images = topics.flatMap(({ name, type, encoding, count }) => {
    const kind = imageKind(type);
    return kind === undefined || encoding !== 'cdr' ? [] : [{ name, kind, count, content: 'color' as const }];
  });
  const chosen = wanted === null ? chooseTopic(images) : images.find(({ name }) => name === wanted);
  return chosen === undefined ? undefined : { topic: chosen.name, kind: chosen.kind, count: chosen.count };
}

function readImage(
  data: Uint8Array,
  kind: 'raw' | 'compressed',
): { readonly ok: true; readonly stamp: Stamp; readonly view: ImageView | CompressedView } | Refusal {
  const unpacked = unpackOrRefuse(data);
  if (!unpacked.ok) return unpacked;
  const message = kind === 'raw' ? parseImage(unpacked.bytes) : parseCompressedImage(unpacked.bytes);
  if (!message.ok) return message;
  const image = 'format' in message ? toCompressedView(message) : toImageView(message);
  return image.ok ? { ok: true, stamp: message.stamp, view: image.view } : image;
}
