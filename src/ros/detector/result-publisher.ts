import { Detection2DArrayEncoder } from '../../core/cdr/detection2d-array.ts';
import { encodeFloat64 } from '../../core/cdr/messages.ts';
import { CdrWriter } from '../../core/cdr/writer.ts';
import type { FrameResult, ResultSink } from '../../device/pipeline/frame/frame-result.ts';
import { RESULT_QOS } from '../qos.ts';
import { createRawPublisher, type RawPublisher } from '../raw-topics.ts';
import { MESSAGE, type RosNode } from '../rcl.ts';
import type { CameraTopics } from './topics.ts';

/**
 * Publishes the detections of every frame, empty ones too, with the image's header unchanged, and the debug topics if
 * they have subscribers. It is the pipeline's `publisher`: a frame counts as published once rcl has taken its message.
 */
export class ResultPublisher implements ResultSink {
  readonly name = 'publisher';
  readonly #detections = new Map<string, RawPublisher>();
  readonly #encoder: Detection2DArrayEncoder;
  readonly #processing: RawPublisher;
  readonly #latency: RawPublisher;
  readonly #number = new CdrWriter(16);
  #processingWanted = false;
  #latencyWanted = false;
  #newestDelayMs = NaN;

  constructor(node: RosNode, cameras: readonly CameraTopics[], labels: readonly string[]) {
    this.#encoder = new Detection2DArrayEncoder(labels);
    for (const { camera, detections } of cameras) {
      this.#detections.set(camera, createRawPublisher(node, MESSAGE.detections, detections, RESULT_QOS));
    }
    this.#processing = createRawPublisher(node, MESSAGE.float64, '~/debug/processing_time_ms', RESULT_QOS);
    this.#latency = createRawPublisher(node, MESSAGE.float64, '~/debug/pipeline_latency_ms', RESULT_QOS);
  }

  /** Milliseconds from the newest published frame's stamp to its result; NaN before the first. */
  get newestDelayMs(): number {
    return this.#newestDelayMs;
  }

  deliver({ envelope, detections, totalMs, stampToNowMs }: FrameResult): void {
    // The envelope has the stamp and frame_id of a message header.
    this.#detections.get(envelope.camera)!.publish(this.#encoder.encode(envelope, detections));
    this.#newestDelayMs = stampToNowMs;
    if (this.#processingWanted) this.#processing.publish(encodeFloat64(this.#number, totalMs));
    if (this.#latencyWanted) this.#latency.publish(encodeFloat64(this.#number, stampToNowMs));
  }

  /** Queries the subscribers of the debug topics; doing so for each frame would cost more than it saves. */
  refresh(): void {
    this.#processingWanted = this.#processing.subscribers() > 0;
    this.#latencyWanted = this.#latency.subscribers() > 0;
  }

  destroy(): void {
    for (const publisher of this.#detections.values()) publisher.destroy();
    this.#processing.destroy();
    this.#latency.destroy();
  }
}
