import type { Detections } from '../detections.ts';
import type { DetectedBox } from './boxes.ts';

/** Detections of one image in the form for the evaluator. */
export function boxesOf({ boxes, scores, classes, count }: Detections, image: number): DetectedBox[] {
  return Array.from({ length: count }, (_, i) => {
    const x = boxes[4 * i]!;
    const y = boxes[4 * i + 1]!;
    const width = boxes[4 * i + 2]! - x;
    const height = boxes[4 * i + 3]! - y;
    return { image, classIndex: classes[i]!, x, y, width, height, score: scores[i]! };
  });
}
