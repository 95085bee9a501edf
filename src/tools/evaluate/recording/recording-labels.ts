import { readDetection2DArray, type ReadDetection } from '../../../core/cdr/read-detections.ts';
import type { Stamp } from '../../../core/frame.ts';
import type { Refusal } from '../../../core/refusal.ts';
import type { Recording } from '../../../device/recording/recording.ts';
import { unpackOrRefuse } from './unpack-message.ts';

const DETECTIONS = /^vision_msgs\/(msg\/)?Detection2DArray$/;
const LABELS = /(^|\/)(ground_truth|labels)$/;

/**
 * The topic of labels: the one that is wanted, or the nearest to the images of those in a namespace around them, since
 * labels elsewhere may be of another camera.
 * @param refuse throws, with the reason
 */
export function chooseLabels(
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

/** The labels of one recording. */
export interface RecordedLabels {
  /** The labels of the only image of a stamp; null if there are none, or if whose they are is not clear. */
  take(stamp: Stamp): readonly ReadDetection[] | null;
  /** messages and pieces of the file that cannot be read */
  readonly unreadable: number;
}

/** Reads all labels of a topic: those of an image may have been recorded long before or after it. */
export async function readRecordedLabels(recording: Recording, topic: string): Promise<RecordedLabels> {
  const byStamp = new Map<string, readonly ReadDetection[] | null>();
  let unreadable = 0;
  for await (const item of recording.messages(topic)) {
    const message = 'damage' in item ? null : readMessage(item.data);
    if (message === null || !message.ok) {
      unreadable += 1;
      continue;
    }
    const at = textOfStamp(message.stamp);
    byStamp.set(at, byStamp.has(at) ? null : message.detections);
  }
  const take = (stamp: Stamp): readonly ReadDetection[] | null => {
    const at = textOfStamp(stamp);
    const own = byStamp.get(at) ?? null;
    byStamp.delete(at);
    return own;
  };
  return { take, unreadable };
}

function readMessage(data: Uint8Array): ReturnType<typeof readDetection2DArray> | Refusal {
  const message = unpackOrRefuse(data);
  return message.ok ? readDetection2DArray(message.bytes) : message;
}

/** Seconds and nanoseconds of a stamp, as text. */
export const textOfStamp = ({ sec, nanosec }: Stamp): string =>
  `${String(sec)}.${String(nanosec).padStart(9, '0')}`;
