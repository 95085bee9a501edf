/** A labeled object as COCO has it: corner and size in source pixels. */
export interface TruthBox {
  /** index of the image, 0..images - 1, in rising order of the images' COCO ids */
  readonly image: number;
  readonly classIndex: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** square pixels; for COCO that of the object's outline, not of the box */
  readonly area: number;
  /** a group of objects: it is not missed by anyone, and any number of detections inside of it are let pass */
  readonly crowd: boolean;
}

/** A detection in the form of COCO results. */
export interface DetectedBox {
  readonly image: number;
  readonly classIndex: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** any finite number; only the order counts */
  readonly score: number;
}

/** Everything an evaluation looks at. */
export interface EvaluationSet {
  /** number of images, also those without an object */
  readonly images: number;
  /** number of classes */
  readonly classes: number;
  /** in file order */
  readonly truths: readonly TruthBox[];
  /** in file order */
  readonly detections: readonly DetectedBox[];
}

/**
 * IoU as pycocotools' `bbIou`: where the object is a crowd, the share of the detection that lies within it.
 */
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
