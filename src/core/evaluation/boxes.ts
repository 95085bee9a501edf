/** A box in COCO's form: corner and size in source pixels. */
interface CocoBox {
  /** index of the image, 0..images - 1, in ascending order of COCO image ids */
  readonly image: number;
  readonly classIndex: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A labeled object. */
export interface TruthBox extends CocoBox {
  /** square pixels; in COCO the area of the object's outline, not of the box */
  readonly area: number;
  /** a group of objects: it never counts as missed, and any number of detections inside it are ignored */
  readonly crowd: boolean;
}

/** A detection in the form of COCO results. */
export interface DetectedBox extends CocoBox {
  /** any finite number; only the order matters */
  readonly score: number;
}

/** The input of an evaluation. */
export interface EvaluationSet {
  /** number of images, including those without objects */
  readonly images: number;
  /** number of classes */
  readonly classes: number;
  /** in file order */
  readonly truths: readonly TruthBox[];
  /** in file order */
  readonly detections: readonly DetectedBox[];
}

/** IoU as pycocotools' `bbIou` computes it: for a crowd, the share of the detection that lies within it. */
export function cocoIou(detection: DetectedBox, truth: TruthBox): number {
  const width =
    Math.min(detection.x + detection.width, truth.x + truth.width) - Math.max(detection.x, truth.x);
  if (width <= 0) return 0;
  const height =
    Math.min(detection.y + detection.height, truth.y + truth.height) - Math.max(detection.y, truth.y);
  if (height <= 0) return 0;
  const common = width * height;
  const own = detection.width * detection.height;
  return common / (truth.crowd ? own : own + truth.width * truth.height - common);
}
