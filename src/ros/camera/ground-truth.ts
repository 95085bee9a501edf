import { Detection2DArrayEncoder } from '../../core/cdr/detection2d-array.ts';
import { createDetections } from '../../core/detections.ts';
import type { MessageHeader } from '../../core/cdr/header.ts';
import type { GroundTruthBox } from '../../device/camera/source.ts';

/** Serializes ground-truth boxes as a Detection2DArray; the score is the visible share of the object. */
export class GroundTruthEncoder {
  readonly #labels: string[] = [];
  #encoder = new Detection2DArrayEncoder([]);

  /** The message, valid until the next call. */
  encode(header: MessageHeader, truth: readonly GroundTruthBox[]): Uint8Array<ArrayBuffer> {
    const detections = createDetections(truth.length);
    for (const { label, box, visible } of truth) {
      const i = detections.count++;
      detections.boxes.set(box, 4 * i);
      detections.scores[i] = visible;
      detections.classes[i] = this.#indexOf(label);
    }
    return this.#encoder.encode(header, detections);
  }

  #indexOf(label: string): number {
    const known = this.#labels.indexOf(label);
    if (known >= 0) return known;
    this.#labels.push(label);
    this.#encoder = new Detection2DArrayEncoder(this.#labels);
    return this.#labels.length - 1;
  }
}
