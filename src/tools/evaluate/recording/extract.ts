import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../../contract/errors.ts';
import { parseCompressedImage, toCompressedView } from '../../../core/cdr/compressed-image.ts';
import { parseImage, toImageView } from '../../../core/cdr/image.ts';
import { readDetection2DArray, type ReadDetection } from '../../../core/cdr/read-detections.ts';
import type { Stamp } from '../../../core/frame.ts';
import { isCompressed, type CompressedView, type ImageView } from '../../../core/image/image-view.ts';
import { uprightSize } from '../../../core/image/read-header.ts';
import type { Refusal } from '../../../core/refusal.ts';
import { chooseTopic } from '../../../device/camera/choose-topic.ts';
import { imageKind } from '../../../device/camera/recorded-image.ts';
import { encodePng } from '../../../device/imaging/encode-image.ts';
import { withRgb } from '../../../device/imaging/color-converter.ts';
import { openRecording } from '../../../device/recording/open-recording.ts';
import type { Recording } from '../../../device/recording/recording.ts';
import { unpackMessage } from '../../../device/recording/zstd.ts';
import { sha256OfFile } from '../../../model/bundle.ts';
import { errorText } from '../../../platform/error-text.ts';

export interface ExtractOptions {
  /** the image topic; null for the most suitable one */
  readonly topic: string | null;
  /** the topic of labels (vision_msgs/msg/Detection2DArray); null for ground_truth or labels beside the images */
  readonly labels: string | null;
  /** false: images are wanted without labels, and labels are not looked for */
  readonly isLabeled: boolean;
}

/** An image of a recording, as a file. */
export interface ExtractedImage {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly labels: readonly ReadDetection[];
}

/** What of a recording can be evaluated. */
export interface ExtractedRecording {
  readonly file: string;
  readonly sha256: string;
  readonly topic: string;
  /** null if labels were not looked for */
  readonly labelTopic: string | null;
  readonly images: readonly ExtractedImage[];
  /** images without one label message of their stamp, which are left out; pieces that cannot be read */
  readonly unlabeled: number;
  readonly unreadable: number;
  /** words about the file: that it is cut short */
  readonly notices: readonly string[];
}

interface StampedImage {
  readonly stamp: Stamp;
  readonly view: ImageView | CompressedView;
}

const DETECTIONS = /^vision_msgs\/(msg\/)?Detection2DArray$/;
const LABELS = /(^|\/)(ground_truth|labels)$/;

/**
 * Writes the images of a recording into a folder, JPEG and PNG as they are and raw ones as PNG, with their labels. A
 * recording that is cut short is taken as far as it can be read.
 * @param name distinguishes its images from those of other recordings
 * @throws GoshawkError GOSHAWK_RECORDING_UNUSABLE
 */
export async function extractRecording(
  file: string,
  folder: string,
  name: string,
  options: ExtractOptions,
): Promise<ExtractedRecording> {
  const refuse = (reason: string): never => {
    throw new GoshawkError('GOSHAWK_RECORDING_UNUSABLE', { file, reason });
  };
  const recording = await openRecording(file).catch((error: unknown) => refuse(errorText(error)));
  try {
    const { topic, kind } =
      imageTopic(recording, options.topic) ?? refuse('it has no image topic, or none of that name');
    const labelTopic = options.isLabeled ? chooseLabels(recording, topic, options.labels, refuse) : null;
    const labels = labelTopic === null ? null : await readLabels(recording, labelTopic);
    const taken = { images: [] as ExtractedImage[], unlabeled: 0, unreadable: labels?.unreadable ?? 0 };
    for await (const item of recording.messages(topic)) {
      const image = 'damage' in item ? null : readImage(item.data, kind);
      if (image === null || !image.ok) {
        taken.unreadable += 1;
        continue;
      }
      const own = labels === null ? [] : labels.take(image.stamp);
      if (own === null) taken.unlabeled += 1;
      else taken.images.push(await save(folder, `${name}-${String(taken.images.length)}`, image.view, own));
    }
    const { notices } = recording;
    return { file, sha256: await sha256OfFile(file), topic, labelTopic, notices, ...taken };
  } finally {
    await recording.close();
  }
}

function imageTopic(
  { topics }: Recording,
  wanted: string | null,
): { readonly topic: string; readonly kind: 'raw' | 'compressed' } | undefined {
  const images = topics.flatMap(({ name, type, encoding, count }) => {
    const kind = imageKind(type);
    return kind === undefined || encoding !== 'cdr' ? [] : [{ name, kind, count, content: 'color' as const }];
  });
  const chosen = wanted === null ? chooseTopic(images) : images.find(({ name }) => name === wanted);
  return chosen === undefined ? undefined : { topic: chosen.name, kind: chosen.kind };
}

/**
 * The topic of labels: the one that is wanted, or the nearest to the images of those in a namespace around them, since
 * labels elsewhere may be of another camera.
 */
function chooseLabels(
  { topics }: Recording,
  images: string,
  wanted: string | null,
  refuse: (reason: string) => never,
): string {
  const all = topics.flatMap(({ name, type, encoding }) =>
    DETECTIONS.test(type) && encoding === 'cdr' ? [name] : [],
  );
  if (wanted !== null) return all.find((name) => name === wanted) ?? refuse(`it has no labels on ${wanted}`);
  const named = all.filter((name) => LABELS.test(name));
  const around = named.filter((name) => images.startsWith(namespaceOf(name)));
  const longest = Math.max(...around.map((name) => namespaceOf(name).length));
  const nearest = around.filter((name) => namespaceOf(name).length === longest);
  if (named.length === 0)
    return refuse(
      'it has no labels (vision_msgs/msg/Detection2DArray on a topic ground_truth or labels); use --judge',
    );
  if (nearest.length !== 1)
    return refuse(
      `which labels are those of ${images} is not clear: name one of ${named.join(', ')} (--labels-topic)`,
    );
  return nearest[0]!;
}

/** `/front/` of `/front/labels` */
const namespaceOf = (topic: string): string => topic.slice(0, topic.lastIndexOf('/') + 1);

interface Labels {
  /** The labels of the only image of a stamp; null if there are none, or if whose they are is not clear. */
  take(stamp: Stamp): readonly ReadDetection[] | null;
  readonly unreadable: number;
}

async function readLabels(recording: Recording, topic: string): Promise<Labels> {
  const byStamp = new Map<string, readonly ReadDetection[] | null>();
  let unreadable = 0;
  for await (const item of recording.messages(topic)) {
    const message = 'damage' in item ? null : readDetection2DArray(unpackMessage(item.data));
    if (message === null || !message.ok) unreadable += 1;
    else byStamp.set(keyOf(message.stamp), byStamp.has(keyOf(message.stamp)) ? null : message.detections);
  }
  const take = (stamp: Stamp): readonly ReadDetection[] | null => {
    const own = byStamp.get(keyOf(stamp)) ?? null;
    byStamp.delete(keyOf(stamp));
    return own;
  };
  return { take, unreadable };
}

function readImage(
  data: Uint8Array,
  kind: 'raw' | 'compressed',
): ({ readonly ok: true } & StampedImage) | Refusal {
  const bytes = unpackMessage(data);
  const message = kind === 'raw' ? parseImage(bytes) : parseCompressedImage(bytes);
  if (!message.ok) return message;
  const image = 'format' in message ? toCompressedView(message) : toImageView(message);
  return image.ok ? { ok: true, stamp: message.stamp, view: image.view } : image;
}

async function save(
  folder: string,
  name: string,
  view: ImageView | CompressedView,
  labels: readonly ReadDetection[],
): Promise<ExtractedImage> {
  if (isCompressed(view)) {
    const file = `${name}.${view.format}`;
    await writeFile(join(folder, file), view.data);
    const { width, height } = view.header === undefined ? { width: 0, height: 0 } : uprightSize(view.header);
    return { file, width, height, labels };
  }
  const { width, height } = view;
  const file = `${name}.png`;
  await writeFile(join(folder, file), await withRgb(view, (rgb) => encodePng(rgb, width, height)));
  return { file, width, height, labels };
}

const keyOf = ({ sec, nanosec }: Stamp): string => `${String(sec)}.${String(nanosec)}`;
