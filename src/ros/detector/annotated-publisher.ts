import { encodeCompressedImage, encodeImage } from '../../core/cdr/messages.ts';
import { CdrWriter } from '../../core/cdr/writer.ts';
import type { ImageView } from '../../core/image/image-view.ts';
import { annotateJpeg, annotateRgb } from '../../device/imaging/annotate.ts';
import type { FrameResult, ResultSink } from '../../device/pipeline/frame/frame-result.ts';
import { PICTURE_QOS } from '../qos.ts';
import { createRawPublisher, type RawPublisher } from '../raw-topics.ts';
import { MESSAGE, type RosNode } from '../rcl.ts';
import type { CameraTopics } from './topics.ts';

interface CameraPublishers {
  readonly raw: RawPublisher;
  readonly compressed: RawPublisher;
  rawWanted: boolean;
  compressedWanted: boolean;
}

/**
 * Publishes images with the boxes drawn in, rendered only while somebody subscribes. The middleware is queried for
 * subscribers in `refresh`, not for each frame.
 */
export class AnnotatedPublisher implements ResultSink {
  readonly name = 'annotated';
  readonly #cameras = new Map<string, CameraPublishers>();
  readonly #labels: readonly string[];
  readonly #writer = new CdrWriter();

  constructor(node: RosNode, cameras: readonly CameraTopics[], labels: readonly string[]) {
    this.#labels = labels;
    for (const { camera, annotated, annotatedCompressed } of cameras) {
      this.#cameras.set(camera, {
        raw: createRawPublisher(node, MESSAGE.image, annotated, PICTURE_QOS),
        compressed: createRawPublisher(node, MESSAGE.compressedImage, annotatedCompressed, PICTURE_QOS),
        rawWanted: false,
        compressedWanted: false,
      });
    }
  }

  /** Queries the current subscribers. */
  refresh(): void {
    for (const camera of this.#cameras.values()) {
      camera.rawWanted = camera.raw.subscribers() > 0;
      camera.compressedWanted = camera.compressed.subscribers() > 0;
    }
  }

  wantsPixels(camera: string): boolean {
    const publishers = this.#cameras.get(camera);
    return publishers !== undefined && (publishers.rawWanted || publishers.compressedWanted);
  }

  /** Synchronous while nobody subscribes: a promise would cost every frame a timer and several microtasks. */
  deliver(result: FrameResult, pixels: ImageView | null): Promise<void> | undefined {
    const publishers = this.#cameras.get(result.envelope.camera);
    return pixels === null || publishers === undefined
      ? undefined
      : this.#publish(publishers, result, pixels);
  }

  async #publish(
    publishers: CameraPublishers,
    { envelope, detections }: FrameResult,
    pixels: ImageView,
  ): Promise<void> {
    if (publishers.rawWanted) {
      const { data, width, height } = await annotateRgb(pixels, detections, this.#labels);
      const fields = { height, width, encoding: 'rgb8', step: width * 3 };
      publishers.raw.publish(encodeImage(this.#writer, envelope, fields, data));
    }
    if (publishers.compressedWanted) {
      const jpeg = await annotateJpeg(pixels, detections, this.#labels);
      publishers.compressed.publish(encodeCompressedImage(this.#writer, envelope, 'jpeg', jpeg));
    }
  }

  destroy(): void {
    for (const { raw, compressed } of this.#cameras.values()) {
      raw.destroy();
      compressed.destroy();
    }
  }
}
