import { addCorners, resetCandidates, type Candidates } from './candidates.ts';
import {
  holdsImage,
  type DecodeSettings,
  type OutputTensor,
  type Reader,
  type ReaderOptions,
} from './head.ts';
import { HIGHEST_PROBABILITY, LOWEST_PROBABILITY } from './probability.ts';

/** Adds one finished detection above the threshold. Returns false if its numbers are not plausible. */
function addFinished(
  boxes: OutputTensor['data'],
  at: number,
  score: number,
  classValue: number,
  settings: DecodeSettings,
  classes: number,
  candidates: Candidates,
): boolean {
  const { scoreThreshold, classFilter = null } = settings;
  if (!(score >= LOWEST_PROBABILITY && score <= HIGHEST_PROBABILITY)) return false;
  if (score <= scoreThreshold) return true;
  const classIndex = Math.round(classValue);
  if (!(classIndex >= 0 && classIndex < classes)) return false;
  if (classFilter !== null && classFilter[classIndex] !== 1) return true;
  return addCorners(
    candidates,
    boxes[at]!,
    boxes[at + 1]!,
    boxes[at + 2]!,
    boxes[at + 3]!,
    score,
    classIndex,
  );
}

/** Values of a row: x1, y1, x2, y2, score, class. */
const FINISHED_ROW = 6;

/**
 * Reads rows of x1, y1, x2, y2, score, class (`end2end` with one output). Unused rows have a score of 0.
 * Parameters and result are those of `readRows`; a class outside `classes` is invalid too.
 */
function readFinishedRows(
  data: OutputTensor['data'],
  start: number,
  rows: number,
  classes: number,
  settings: DecodeSettings,
  candidates: Candidates,
): boolean {
  for (let row = 0, at = start; row < rows; row++, at += FINISHED_ROW) {
    const score = data[at + 4]!;
    const classValue = data[at + 5]!;
    if (!addFinished(data, at, score, classValue, settings, classes, candidates)) return false;
  }
  return true;
}

/**
 * Reads the four outputs count, boxes, scores, classes (`end2end` from EfficientNMS). The result is that of
 * `readFinishedRows`.
 */
function readFinishedParts(
  outputs: readonly OutputTensor[],
  batchIndex: number,
  rows: number,
  classes: number,
  settings: DecodeSettings,
  candidates: Candidates,
): boolean {
  const used = outputs[0]!.data[batchIndex]!;
  if (!(used >= 0 && used <= rows)) return false;
  const boxes = outputs[1]!.data;
  const scores = outputs[2]!.data;
  const classValues = outputs[3]!.data;
  for (let row = 0, entry = batchIndex * rows; row < used; row++, entry++) {
    const score = scores[entry]!;
    const classValue = classValues[entry]!;
    if (!addFinished(boxes, 4 * entry, score, classValue, settings, classes, candidates)) return false;
  }
  return true;
}

/** A reader of rows or parts of corners, score and label. */
export function finishedReader(options: ReaderOptions): Reader {
  const { classes } = options;
  return (outputs, batchIndex, settings, candidates) => {
    const boxes = outputs[outputs.length === 4 ? 1 : 0];
    if (boxes === undefined || !holdsImage(boxes, batchIndex)) return false;
    const rows = boxes.dims[1]!;
    resetCandidates(candidates, rows, false);
    if (outputs.length === 4) {
      const values = boxes.dims[0]! * rows;
      if (boxes.dims[2] !== 4 || outputs[2]!.data.length !== values || outputs[3]!.data.length !== values)
        return false;
      return readFinishedParts(outputs, batchIndex, rows, classes, settings, candidates);
    }
    if (boxes.dims[2] !== FINISHED_ROW) return false;
    const start = batchIndex * rows * FINISHED_ROW;
    return readFinishedRows(boxes.data, start, rows, classes, settings, candidates);
  };
}
