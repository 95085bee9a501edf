import type { Stamp } from '../frame.ts';
import type { Refusal } from '../refusal.ts';
import { CdrCursor } from './cursor.ts';
import { readHeader } from './header.ts';

/** One object of a message: its best hypothesis and its box. */
export interface ReadDetection {
  /** `class_id`: the class name */
  readonly label: string;
  readonly score: number;
  /** corner and size, in pixels of the image */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface ReadDetections {
  readonly ok: true;
  readonly stamp: Stamp;
  readonly detections: readonly ReadDetection[];
}

/** float64 values of `geometry_msgs/PoseWithCovariance`: position 3, orientation 4, covariance 36. */
const POSE_VALUES = 3 + 4 + 36;
/** of a detection without results: headers, lengths, box */
const MIN_DETECTION_BYTES = 60;
/** of a hypothesis: an empty string, the score, the pose */
const MIN_RESULT_BYTES = 8 + 8 + POSE_VALUES * 8;

const cursor = new CdrCursor();

/**
 * Reads a serialized `vision_msgs/msg/Detection2DArray` (vision_msgs 4) of either byte order; never throws. A detection
 * without a hypothesis has no label and is left out.
 */
export function readDetection2DArray(bytes: Uint8Array): ReadDetections | Refusal {
  cursor.open(bytes);
  const { stamp } = readHeader(cursor);
  const count = cursor.sequenceLength(MIN_DETECTION_BYTES, 'detections');
  const detections: ReadDetection[] = [];
  for (let i = 0; i < count && !cursor.failed; i++) {
    const detection = readDetection();
    if (detection !== null) detections.push(detection);
  }
  cursor.close();
  return cursor.refusal() ?? { ok: true, stamp, detections };
}

function readDetection(): ReadDetection | null {
  readHeader(cursor);
  const best = readBest();
  const [centerX, centerY, , width, height] = Array.from({ length: 5 }, () => cursor.float64('bbox')) as [
    number,
    number,
    number,
    number,
    number,
  ];
  cursor.string('id');
  const areFinite = [centerX, centerY, width, height].every(Number.isFinite) && width >= 0 && height >= 0;
  if (!areFinite) cursor.fail('malformed', 'bbox has a size below 0, or a value that is not finite');
  return best === null ? null : { ...best, x: centerX - width / 2, y: centerY - height / 2, width, height };
}

/** The hypothesis with the highest score. */
function readBest(): Pick<ReadDetection, 'label' | 'score'> | null {
  let best: Pick<ReadDetection, 'label' | 'score'> | null = null;
  const results = cursor.sequenceLength(MIN_RESULT_BYTES, 'results');
  for (let i = 0; i < results && !cursor.failed; i++) {
    const label = cursor.string('class_id');
    const score = cursor.float64('score');
    for (let value = 0; value < POSE_VALUES; value++) cursor.float64('pose');
    if (best === null || score > best.score) best = { label, score };
  }
  return best;
}
