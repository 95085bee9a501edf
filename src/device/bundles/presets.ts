import type { BundleManifest } from '../../contract/bundle.ts';
import type { Head } from '../../core/heads/head.ts';
import type { LetterboxAnchor, LetterboxResize } from '../../core/image/letterbox.ts';
import type { Normalization } from './onnx/fold.ts';

/** What the networks of a head are customarily trained with. */
export interface HeadPreset {
  readonly normalization: Normalization;
  readonly anchor: LetterboxAnchor;
  readonly padValue: number;
  readonly resize: LetterboxResize;
  readonly thresholds: BundleManifest['thresholds'];
}

const THRESHOLDS = { score: 0.25, iou: 0.45, maxDetections: 300 } as const;

/** YOLOX is trained on what OpenCV reads: BGR, 0..255, picture at the top left. */
const YOLOX: HeadPreset = {
  normalization: { colorOrder: 'bgr', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  anchor: 'top-left',
  padValue: 114,
  resize: 'bilinear',
  thresholds: THRESHOLDS,
};

/** The Ultralytics family and most end-to-end exports: RGB, 0..1, picture in the middle. */
const ULTRALYTICS: HeadPreset = {
  normalization: { colorOrder: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  anchor: 'center',
  padValue: 114,
  resize: 'bilinear',
  thresholds: THRESHOLDS,
};

export function presetFor(head: Head): HeadPreset {
  return head === 'yolox' ? YOLOX : ULTRALYTICS;
}
