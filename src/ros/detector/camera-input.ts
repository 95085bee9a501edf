import { parseCompressedImage, toCompressedView } from '../../core/cdr/compressed-image.ts';
import { parseImage, toImageView } from '../../core/cdr/image.ts';
import type { Stamp } from '../../core/frame.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import type { EnvelopeMaker } from '../../device/pipeline/frame/envelope.ts';
import type { FramePipeline } from '../../device/pipeline/pipeline.ts';
import type { ImageKind } from './topics.ts';
import type { RateLimit } from './rate-limit.ts';

/** Where a message may go in the pipeline. */
export type FrameAdmission = Pick<FramePipeline, 'offer' | 'refuse'>;

/** Passes the serialized images of one camera to the pipeline. Each message is counted there once, good or bad. */
export class CameraInput {
  readonly camera: string;
  readonly #admission: FrameAdmission;
  readonly #envelopes: EnvelopeMaker;
  readonly #rate: RateLimit;
  readonly #read: (bytes: Uint8Array) => void;
  #messages = 0;

  constructor(
    camera: string,
    kind: ImageKind,
    admission: FrameAdmission,
    envelopes: EnvelopeMaker,
    rate: RateLimit,
  ) {
    this.camera = camera;
    this.#admission = admission;
    this.#envelopes = envelopes;
    this.#rate = rate;
    this.#read = kind === 'raw' ? this.#readImage : this.#readCompressed;
  }

  /** Messages received, good or bad. */
  get messages(): number {
    return this.#messages;
  }

  /** One message. Its buffer belongs to the pipeline from here on. */
  take(bytes: Uint8Array): void {
    this.#messages += 1;
    if (!this.#rate.admits()) this.#admission.refuse(this.camera, 'rate_limited');
    else this.#read(bytes);
  }

  readonly #readImage = (bytes: Uint8Array): void => {
    const message = parseImage(bytes);
    const checked = message.ok ? toImageView(message) : message;
    if (message.ok && checked.ok) this.#offer(message.stamp, message.frameId, checked.view);
    else if (!checked.ok) this.#admission.refuse(this.camera, checked.reason, checked.detail);
  };

  readonly #readCompressed = (bytes: Uint8Array): void => {
    const message = parseCompressedImage(bytes);
    const checked = message.ok ? toCompressedView(message) : message;
    if (message.ok && checked.ok) this.#offer(message.stamp, message.frameId, checked.view);
    else if (!checked.ok) this.#admission.refuse(this.camera, checked.reason, checked.detail);
  };

  #offer(stamp: Stamp, frameId: string, image: ImageView | CompressedView): void {
    this.#admission.offer({ envelope: this.#envelopes.next(stamp, frameId), image });
  }
}
