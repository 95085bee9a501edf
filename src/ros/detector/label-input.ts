import { GoshawkError } from '../../contract/errors.ts';
import { readDetection2DArray } from '../../core/cdr/read-detections.ts';
import type { FrameLabels } from '../../device/runtime/part.ts';
import type { CameraTopics } from './topics.ts';

const RESULTS = '/detections';

/**
 * Where the labels of a camera are: a relative name is next to its results, so `ground_truth` of `/front/image_raw` is
 * `/front/ground_truth`.
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID for an absolute name if there are several cameras
 */
function labelTopicOf(name: string, { detections }: CameraTopics, cameras: number): string {
  if (!name.startsWith('/')) return `${detections.slice(0, -RESULTS.length)}/${name}`;
  if (cameras === 1) return name;
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
    name: 'labels_topic',
    value: name,
    reason:
      'with several cameras it must be relative, such as ground_truth: it is next to the results of each',
  });
}

/** Passes labels of one camera on. A message that cannot be read is counted, and logged once in a while. */
export class LabelInput {
  readonly #camera: string;
  readonly #take: (labels: FrameLabels) => void;
  readonly #warn: (line: string) => void;
  #refused = 0;

  constructor(camera: string, take: (labels: FrameLabels) => void, warn: (line: string) => void) {
    this.#camera = camera;
    this.#take = take;
    this.#warn = warn;
  }

  take(bytes: Uint8Array): void {
    const message = readDetection2DArray(bytes);
    if (message.ok) {
      const objects = message.detections.map(
        ({ label, x, y, width, height }) => ({ label, box: [x, y, x + width, y + height] }) as const,
      );
      this.#take({ camera: this.#camera, stamp: message.stamp, objects });
      return;
    }
    this.#refused += 1;
    // the 1st, 2nd, 4th, 8th ...: a bounded number of lines, however many there are
    if (Number.isInteger(Math.log2(this.#refused)))
      this.#warn(`labels of ${this.#camera}: ${message.detail} (${this.#refused} refused so far)`);
  }
}

/** A camera with the topic of its labels. */
export interface LabelTopic {
  readonly camera: string;
  readonly topic: string;
}

/** Of each camera; none if the name is empty. @throws GoshawkError as `labelTopicOf` */
export function nameLabelTopics(name: string, cameras: readonly CameraTopics[]): LabelTopic[] {
  if (name === '') return [];
  return cameras.map((one) => ({ camera: one.camera, topic: labelTopicOf(name, one, cameras.length) }));
}
