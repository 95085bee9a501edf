import { addCentered, resetCandidates, type Candidates } from './candidates.ts';
import { createGrid, gridPlanFor, type Grid } from './grid.ts';
import { holdsImage, type DecodeSettings, type Reader, type ReaderOptions } from './head.ts';
import { HIGHEST_PROBABILITY, LOWEST_PROBABILITY } from './probability.ts';

/** Values of a row before the classes: x, y, width, height, objectness. */
const BOX_VALUES = 5;

/**
 * Reads candidates that lie in rows of `5 + classes` values (`yolox`, `yolov5`): the best class of each row
 * (`multiLabel`: every class) whose objectness * class probability is above the threshold. A row whose
 * objectness is not above it cannot pass and is skipped.
 *
 * @param data rows of all images
 * @param start index of the image's first value
 * @param grid set if the boxes are still relative to their grid cell (`yolox`); null if the graph decoded
 * them
 * @returns false if a value that was read is not a probability or not a finite box
 */
function readRows(
  data: Float32Array | Int32Array,
  start: number,
  rows: number,
  classes: number,
  grid: Grid | null,
  settings: DecodeSettings,
  candidates: Candidates,
): boolean {
  const { scoreThreshold, classFilter = null, multiLabel = false } = settings;
  const rowLength = BOX_VALUES + classes;
  for (let row = 0, at = start; row < rows; row++, at += rowLength) {
    const objectness = data[at + 4]!;
    if (objectness <= scoreThreshold && objectness >= LOWEST_PROBABILITY) continue;
    if (!(objectness >= LOWEST_PROBABILITY && objectness <= HIGHEST_PROBABILITY)) return false;

    let best = data[at + BOX_VALUES]!;
    let bestClass = 0;
    // one sum detects NaN and infinity in any class: cheaper than checking each
    let sum = best;
    for (let c = 1; c < classes; c++) {
      const probability = data[at + BOX_VALUES + c]!;
      sum += probability;
      if (probability > best) {
        best = probability;
        bestClass = c;
      }
    }
    if (!(best <= HIGHEST_PROBABILITY && sum >= LOWEST_PROBABILITY * classes)) return false;

    const score = Math.fround(objectness * best);
    if (score <= scoreThreshold) continue;
    if (!multiLabel && classFilter !== null && classFilter[bestClass] !== 1) continue;

    let x = data[at]!;
    let y = data[at + 1]!;
    let width = data[at + 2]!;
    let height = data[at + 3]!;
    if (grid !== null) {
      const stride = grid.stride[row]!;
      x = (x + grid.x[row]!) * stride;
      y = (y + grid.y[row]!) * stride;
      width = Math.exp(width) * stride;
      height = Math.exp(height) * stride;
    }
    const first = multiLabel ? 0 : bestClass;
    const last = multiLabel ? classes - 1 : bestClass;
    for (let c = first; c <= last; c++) {
      const classScore = Math.fround(objectness * data[at + BOX_VALUES + c]!);
      if (classScore <= scoreThreshold || (classFilter !== null && classFilter[c] !== 1)) continue;
      if (!addCentered(candidates, x, y, width, height, classScore, c)) return false;
    }
  }
  return true;
}

/**
 * A reader of rows of center, size, objectness and classes.
 *
 * @param inCells the boxes are relative to their grid cells; the grid is made for the first output
 */
function createRowReader({ inputWidth, inputHeight, classes }: ReaderOptions, inCells: boolean): Reader {
  let grid: Grid | null = null;
  return (outputs, batchIndex, settings, candidates) => {
    const tensor = outputs[0];
    if (tensor === undefined || !holdsImage(tensor, batchIndex)) return false;
    const rows = tensor.dims[1]!;
    const rowLength = tensor.dims[2]!;
    if (rowLength !== 5 + classes) return false;
    if (inCells && grid?.stride.length !== rows) {
      const plan = gridPlanFor(inputWidth, inputHeight, rows);
      if (plan?.anchors !== 1) return false;
      grid = createGrid(inputWidth, inputHeight, plan);
    }
    resetCandidates(candidates, rows, settings.multiLabel === true);
    const start = batchIndex * rows * rowLength;
    return readRows(tensor.data, start, rows, classes, grid, settings, candidates);
  };
}

/** A reader of boxes that the graph decoded. */
export const rowReader = (options: ReaderOptions): Reader => createRowReader(options, false);

/** A reader of boxes that are still relative to the cells of a grid. */
export const cellReader = (options: ReaderOptions): Reader => createRowReader(options, true);
