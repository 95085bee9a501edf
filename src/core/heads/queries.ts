import { addCentered, resetCandidates, type Candidates } from './candidates.ts';
import { holdsImage, type DecodeSettings, type Reader, type ReaderOptions } from './head.ts';
import { HIGHEST_PROBABILITY, LOWEST_PROBABILITY } from './probability.ts';

/** Values of a row before the classes: x, y, width, height. */
const BOX_VALUES = 4;

/**
 * Reads the rows of a query network (`detr`): the best class of each row (`multiLabel`: every class) above
 * the threshold. Boxes are in 0..1 of the input. Parameters and result are those of `readRows`.
 */
function readQueries(
  data: Float32Array | Int32Array,
  start: number,
  rows: number,
  classes: number,
  inputWidth: number,
  inputHeight: number,
  settings: DecodeSettings,
  candidates: Candidates,
): boolean {
  const { scoreThreshold, classFilter = null, multiLabel = false } = settings;
  const rowLength = BOX_VALUES + classes;
  for (let row = 0, at = start; row < rows; row++, at += rowLength) {
    let best = LOWEST_PROBABILITY;
    let bestClass = 0;
    for (let c = 0; c < classes; c++) {
      const probability = data[at + BOX_VALUES + c]!;
      if (!(probability >= LOWEST_PROBABILITY && probability <= HIGHEST_PROBABILITY)) return false;
      if (probability > best) {
        best = probability;
        bestClass = c;
      }
    }
    if (best <= scoreThreshold) continue;
    const first = multiLabel ? 0 : bestClass;
    const last = multiLabel ? classes - 1 : bestClass;
    for (let c = first; c <= last; c++) {
      const score = data[at + BOX_VALUES + c]!;
      if (score <= scoreThreshold || (classFilter !== null && classFilter[c] !== 1)) continue;
      const finite = addCentered(
        candidates,
        data[at]! * inputWidth,
        data[at + 1]! * inputHeight,
        data[at + 2]! * inputWidth,
        data[at + 3]! * inputHeight,
        score,
        c,
      );
      if (!finite) return false;
    }
  }
  return true;
}

/** A reader of rows of center, size and classes, normalized to the input. */
export function queryReader(options: ReaderOptions): Reader {
  const { inputWidth, inputHeight, classes } = options;
  return (outputs, batchIndex, settings, candidates) => {
    const tensor = outputs[0];
    if (tensor === undefined || !holdsImage(tensor, batchIndex)) return false;
    const rows = tensor.dims[1]!;
    const rowLength = tensor.dims[2]!;
    if (rowLength !== 4 + classes) return false;
    resetCandidates(candidates, rows, settings.multiLabel === true);
    const start = batchIndex * rows * rowLength;
    return readQueries(tensor.data, start, rows, classes, inputWidth, inputHeight, settings, candidates);
  };
}
