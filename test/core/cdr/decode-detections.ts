import { CdrCursor } from '../../../src/core/cdr/cursor.ts';
import { readHeader, type MessageHeader } from '../../../src/core/cdr/header.ts';
import type { Refusal } from '../../../src/core/refusal.ts';

/** float64 values of `geometry_msgs/PoseWithCovariance`: position 3, orientation 4, covariance 36. */
const POSE_VALUES = 3 + 4 + 36;
const POSE_BYTES = POSE_VALUES * 8;

/** One entry of a decoded `Detection2DArray`. Poses are skipped. */
interface DecodedDetection {
  readonly header: MessageHeader;
  readonly results: readonly { readonly classId: string; readonly score: number }[];
  /** center and size in source pixels, rotation in radians */
  readonly box: {
    readonly x: number;
    readonly y: number;
    readonly theta: number;
    readonly width: number;
    readonly height: number;
  };
  readonly id: string;
}

export interface DecodedDetections {
  readonly ok: true;
  readonly header: MessageHeader;
  readonly detections: readonly DecodedDetection[];
}

/**
 * Minimum size of a `Detection2D` in bytes (header 12, no results 4, box 40, id 4) and of an
 * `ObjectHypothesisWithPose`.
 */
const MIN_DETECTION_BYTES = 60;
const MIN_RESULT_BYTES = 4 + 8 + POSE_BYTES;

/** Reads a `vision_msgs/msg/Detection2DArray` of either byte order, for listeners and tools; never throws. */
export function decodeDetection2DArray(bytes: Uint8Array): DecodedDetections | Refusal {
  const cursor = new CdrCursor();
  cursor.open(bytes);
  const header = readHeader(cursor);
  const count = cursor.sequenceLength(MIN_DETECTION_BYTES, 'detections');
  const detections: DecodedDetection[] = [];
  for (let i = 0; i < count && !cursor.failed; i++) detections.push(readDetection(cursor));
  return cursor.refusal() ?? { ok: true, header, detections };
}

function readDetection(cursor: CdrCursor): DecodedDetection {
  const header = readHeader(cursor);
  const results: { classId: string; score: number }[] = [];
  const count = cursor.sequenceLength(MIN_RESULT_BYTES, 'results');
  for (let i = 0; i < count && !cursor.failed; i++) {
    const classId = cursor.string('results.hypothesis.class_id');
    const score = cursor.float64('results.hypothesis.score');
    for (let value = 0; value < POSE_VALUES; value++) cursor.float64('results.pose');
    results.push({ classId, score });
  }
  const x = cursor.float64('bbox.center.position.x');
  const y = cursor.float64('bbox.center.position.y');
  const theta = cursor.float64('bbox.center.theta');
  const width = cursor.float64('bbox.size_x');
  const height = cursor.float64('bbox.size_y');
  const id = cursor.string('id');
  return { header, results, box: { x, y, theta, width, height }, id };
}
