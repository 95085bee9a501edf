import type { MessageHeader } from '../../core/cdr/header.ts';
import { encodeCompressedImage, encodeImage } from '../../core/cdr/messages.ts';
import { CdrWriter } from '../../core/cdr/writer.ts';
import {
  isCompressed,
  type CompressedView,
  type ImageView,
  type PixelEncoding,
} from '../../core/image/image-view.ts';
import type { CameraFrame } from '../../device/camera/source.ts';
import { freeMemory } from '../../platform/free-memory.ts';
import { convertToRgb } from '../../device/imaging/color-converter.ts';
import { encodeViewJpeg } from '../../device/imaging/encode-image.ts';
import { RESULT_QOS, type Reliability } from '../qos.ts';
import { createRawPublisher, type RawPublisher } from '../raw-topics.ts';
import { MESSAGE, type RosNode } from '../rcl.ts';
import { nowStamp } from '../time.ts';
import { GroundTruthEncoder } from './ground-truth.ts';

/** Encodings that every consumer of sensor_msgs knows; others are converted to rgb8. */
const PLAIN: ReadonlySet<PixelEncoding> = new Set(['rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8']);
const JPEG_QUALITY = 90;

export interface FramePublisherOptions {
  readonly topic: string;
  readonly groundTruthTopic: string;
  /** publish CompressedImage even if the source delivers raw pixels */
  readonly compressed: boolean;
  readonly reliability: Reliability;
  /** keep the stamp of every frame: eight bytes each, for as long as the node lives */
  readonly keepStamps: boolean;
}

/** Publishes a camera's frames, stamped on the node's clock when they are sent, and the ground truth if it is known. */
export class FramePublisher {
  readonly #node: RosNode;
  readonly #options: FramePublisherOptions;
  readonly #writer = new CdrWriter();
  readonly #truthEncoder = new GroundTruthEncoder();
  #raw: RawPublisher | undefined;
  #compressed: RawPublisher | undefined;
  #truth: RawPublisher | undefined;
  /** seconds since the epoch of every frame sent, if stamps are kept */
  readonly stamps: number[] = [];

  constructor(node: RosNode, options: FramePublisherOptions) {
    this.#node = node;
    this.#options = options;
    // Created before the first frame, so that subscribers are matched by then.
    if (options.compressed) this.#openCompressed();
    else this.#openRaw();
  }

  /** Sends one frame. Only frames that must be converted or compressed take time. */
  async send({ image, frameId, groundTruth }: CameraFrame): Promise<void> {
    if (isCompressed(image)) this.#sendCompressed(frameId, image);
    else if (this.#options.compressed) await this.#compress(frameId, image);
    else await this.#sendRaw(frameId, image);
    freeMemory(image.data);
    if (groundTruth === undefined) return;
    this.#truth ??= createRawPublisher(
      this.#node,
      MESSAGE.detections,
      this.#options.groundTruthTopic,
      RESULT_QOS,
    );
    this.#truth.publish(this.#truthEncoder.encode(this.#header, groundTruth));
  }

  #header: MessageHeader = { stamp: { sec: 0, nanosec: 0 }, frameId: '' };

  #stamp(frameId: string): MessageHeader {
    const stamp = nowStamp(this.#node);
    if (this.#options.keepStamps) this.stamps.push(stamp.sec + stamp.nanosec * 1e-9);
    this.#header = { stamp, frameId };
    return this.#header;
  }

  async #sendRaw(frameId: string, image: ImageView): Promise<void> {
    const { width, height, encoding } = image;
    const publisher = this.#openRaw();
    if (PLAIN.has(encoding)) {
      const fields = { height, width, encoding, step: image.step };
      publisher.publish(encodeImage(this.#writer, this.#stamp(frameId), fields, image.data));
      return;
    }
    const fields = { height, width, encoding: 'rgb8', step: width * 3 };
    const rgb = await convertToRgb(image);
    publisher.publish(encodeImage(this.#writer, this.#stamp(frameId), fields, rgb));
    freeMemory(rgb);
  }

  #sendCompressed(frameId: string, image: CompressedView): void {
    const message = encodeCompressedImage(this.#writer, this.#stamp(frameId), image.format, image.data);
    this.#openCompressed().publish(message);
  }

  async #compress(frameId: string, image: ImageView): Promise<void> {
    const data = await encodeViewJpeg(image, JPEG_QUALITY);
    this.#sendCompressed(frameId, { format: 'jpeg', data });
  }

  #openRaw(): RawPublisher {
    const { topic, reliability } = this.#options;
    this.#raw ??= createRawPublisher(this.#node, MESSAGE.image, topic, { reliability, depth: 5 });
    return this.#raw;
  }

  #openCompressed(): RawPublisher {
    const { topic, reliability } = this.#options;
    const below = `${topic}/compressed`;
    this.#compressed ??= createRawPublisher(this.#node, MESSAGE.compressedImage, below, {
      reliability,
      depth: 5,
    });
    return this.#compressed;
  }
}
