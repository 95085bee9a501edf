import type { BundleManifest } from '../../contract/bundle.ts';
import { gridPlanFor } from '../../core/heads/grid.ts';
import { HEAD_TABLE, type Head } from '../../core/heads/head-table.ts';
import type { OutputLayout } from '../../core/heads/output-layout.ts';
import type { LetterboxAnchor, LetterboxResize } from '../../core/image/letterbox.ts';
import type { Normalization } from '../../model/onnx/fold.ts';

/** The usual training settings for a head. */
export interface HeadPreset {
  readonly normalization: Normalization;
  readonly anchor: LetterboxAnchor;
  readonly padValue: number;
  readonly resize: LetterboxResize;
  readonly thresholds: BundleManifest['thresholds'];
}

const THRESHOLDS = { score: 0.25, iou: 0.45, maxDetections: 300 } as const;

/** YOLOX is trained on images as OpenCV reads them: BGR, 0..255, image at the top left. */
const YOLOX: HeadPreset = {
  normalization: { colorOrder: 'bgr', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  anchor: 'top-left',
  padValue: 114,
  resize: 'bilinear',
  thresholds: THRESHOLDS,
};

/** The Ultralytics family and most end-to-end exports: RGB, 0..1, image centered. */
const ULTRALYTICS: HeadPreset = {
  normalization: { colorOrder: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  anchor: 'center',
  padValue: 114,
  resize: 'bilinear',
  thresholds: THRESHOLDS,
};

/** RF-DETR's backbone is trained with the statistics of ImageNet. */
const RF_DETR: HeadPreset = {
  ...ULTRALYTICS,
  normalization: {
    colorOrder: 'rgb',
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
};

/**
 * True for YOLOX exported decoded: one row per cell, with an objectness that the network computes (YOLOv6
 * writes 1 everywhere).
 */
function isDecodedYolox(
  layout: PresetLayout,
  size: { readonly width: number; readonly height: number },
): boolean {
  const { scores, constantObjectness, rows } = layout;
  if (scores !== 'objectness' || constantObjectness || rows === null) return false;
  return gridPlanFor(size.width, size.height, rows)?.anchors === 1;
}

type PresetLayout = Pick<OutputLayout, 'scores' | 'constantObjectness' | 'rows' | 'parts'>;

/** The usual training settings for a head, refined by the layout of its outputs if that is known. */
export function presetFor(
  head: Head,
  layout: PresetLayout | null = null,
  size = { width: 0, height: 0 },
): HeadPreset {
  if (HEAD_TABLE[head].training === 'yolox' || (layout !== null && isDecodedYolox(layout, size)))
    return YOLOX;
  const parts = layout?.parts;
  if (parts?.kind === 'split' && parts.boxes.name === 'dets' && parts.scores.name === 'labels')
    return RF_DETR;
  return ULTRALYTICS;
}
