import type { Detections } from '../detections.ts';
import type { MessageHeader } from './header.ts';
import { CdrWriter, encodeCdrText } from './writer.ts';

/** float64 values of `geometry_msgs/PoseWithCovariance`: position 3, orientation 4, covariance 36. */
const POSE_VALUES = 3 + 4 + 36;
const POSE_BYTES = POSE_VALUES * 8;

/**
 * The pose of every hypothesis. An image carries no pose, so this is the message's default: all zeros except
 * the orientation's w, which geometry_msgs/Quaternion sets to 1.
 */
const DEFAULT_POSE = ((): Uint8Array => {
  const bytes = new Uint8Array(POSE_BYTES);
  new DataView(bytes.buffer).setFloat64(6 * 8, 1, true);
  return bytes;
})();

/**
 * Serializes `vision_msgs/msg/Detection2DArray` (vision_msgs 4) byte for byte as rclpy does, into one reused
 * buffer. Each detection carries the header of the image, one hypothesis with the label as `class_id`, a box
 * as center and size in source pixels, and the track id as a decimal number in `id` (empty if there is none).
 */
export class Detection2DArrayEncoder {
  readonly #labels: readonly Uint8Array[];
  readonly #writer: CdrWriter;
  #frameId = '';
  #encodedFrameId = encodeCdrText('');

  /**
   * @param labels class names in the order of the class indices
   * @param capacity detections that the initial buffer has room for; it grows for more
   */
  constructor(labels: readonly string[], capacity = 100) {
    this.#labels = labels.map(encodeCdrText);
    this.#writer = new CdrWriter(256 + capacity * 512);
  }

  /**
   * The message as a view of the encoder's buffer, valid until the next call. Without detections the array is
   * empty.
   * @throws RangeError for a class index without a label; bundle and graph were checked to agree, so this
   * would be a bug
   */
  encode(header: MessageHeader, detections: Detections): Uint8Array<ArrayBuffer> {
    if (header.frameId !== this.#frameId) {
      this.#frameId = header.frameId;
      this.#encodedFrameId = encodeCdrText(header.frameId);
    }
    const writer = this.#writer.begin();
    this.#writeHeader(header);
    writer.uint32(detections.count);
    for (let i = 0; i < detections.count; i++) {
      this.#writeHeader(header);
      this.#writeHypothesis(detections, i);
      this.#writeBox(detections.boxes, i);
      const track = detections.tracks[i]!;
      writer.string(track === 0 ? '' : track.toString());
    }
    return writer.finish();
  }

  #writeHeader(header: MessageHeader): void {
    this.#writer.int32(header.stamp.sec);
    this.#writer.uint32(header.stamp.nanosec);
    this.#writer.encodedText(this.#encodedFrameId);
  }

  #writeHypothesis(detections: Detections, index: number): void {
    const classIndex = detections.classes[index]!;
    const label = this.#labels[classIndex];
    if (label === undefined) {
      throw new RangeError(`class index ${classIndex} has no label; there are ${this.#labels.length}`);
    }
    this.#writer.uint32(1);
    this.#writer.encodedText(label);
    this.#writer.float64(detections.scores[index]!);
    this.#writer.raw(DEFAULT_POSE, 8);
  }

  #writeBox(boxes: Float32Array, index: number): void {
    const at = index * 4;
    const x1 = boxes[at]!;
    const y1 = boxes[at + 1]!;
    const x2 = boxes[at + 2]!;
    const y2 = boxes[at + 3]!;
    this.#writer.float64((x1 + x2) / 2);
    this.#writer.float64((y1 + y2) / 2);
    this.#writer.float64(0);
    this.#writer.float64(x2 - x1);
    this.#writer.float64(y2 - y1);
  }
}
