import { addCentered, resetCandidates, type Candidates } from './candidates.ts';
import { gridCells } from './grid.ts';
import { holdsImage, type DecodeSettings, type Reader, type ReaderOptions } from './head.ts';
import { HIGHEST_PROBABILITY, LOWEST_PROBABILITY } from './probability.ts';

/**
 * The best class of each candidate so far. Reallocated only if a graph has more candidates than any before.
 */
interface ChannelScratch {
  best: Float32Array;
  bestClass: Uint16Array;
}

function createChannelScratch(candidates: number): ChannelScratch {
  return { best: new Float32Array(candidates), bestClass: new Uint16Array(candidates) };
}

/**
 * Reads candidates that lie channel by channel (`yolov8`): `4 + classes` planes of `columns` values. The
 * planes are read in memory order, keeping the best class of each column; with `multiLabel` the other classes
 * of the columns that pass are then looked up. Parameters and result are those of `readRows`.
 */
function readChannels(
  data: Float32Array | Int32Array,
  start: number,
  columns: number,
  classes: number,
  scratch: ChannelScratch,
  settings: DecodeSettings,
  candidates: Candidates,
): boolean {
  const { scoreThreshold, classFilter = null, multiLabel = false } = settings;
  if (scratch.best.length < columns) Object.assign(scratch, createChannelScratch(columns));
  const { best, bestClass } = scratch;
  best.fill(LOWEST_PROBABILITY);
  // a column that stays at the lowest value has no class above it, and its score cannot pass a threshold
  bestClass.fill(0);

  let at = start + 4 * columns;
  for (let c = 0; c < classes; c++) {
    for (let column = 0; column < columns; column++, at++) {
      const probability = data[at]!;
      if (probability > best[column]!) {
        best[column] = probability;
        bestClass[column] = c;
      } else if (!(probability >= LOWEST_PROBABILITY)) {
        return false;
      }
    }
  }

  const yPlane = start + columns;
  const widthPlane = yPlane + columns;
  const heightPlane = widthPlane + columns;
  for (let column = 0; column < columns; column++) {
    const score = best[column]!;
    if (score <= scoreThreshold) continue;
    if (score > HIGHEST_PROBABILITY) return false;
    const first = multiLabel ? 0 : bestClass[column]!;
    const last = multiLabel ? classes - 1 : first;
    for (let c = first; c <= last; c++) {
      const classScore = data[start + (4 + c) * columns + column]!;
      if (classScore <= scoreThreshold || (classFilter !== null && classFilter[c] !== 1)) continue;
      const finite = addCentered(
        candidates,
        data[start + column]!,
        data[yPlane + column]!,
        data[widthPlane + column]!,
        data[heightPlane + column]!,
        classScore,
        c,
      );
      if (!finite) return false;
    }
  }
  return true;
}

/** A reader of planes of center, size and classes. */
export function channelReader(options: ReaderOptions): Reader {
  const { classes, inputWidth, inputHeight } = options;
  const scratch = createChannelScratch(gridCells(inputWidth, inputHeight));
  return (outputs, batchIndex, settings, candidates) => {
    const tensor = outputs[0];
    if (tensor === undefined || !holdsImage(tensor, batchIndex)) return false;
    const channels = tensor.dims[1]!;
    const columns = tensor.dims[2]!;
    if (channels !== 4 + classes) return false;
    resetCandidates(candidates, columns, settings.multiLabel === true);
    const start = batchIndex * channels * columns;
    return readChannels(tensor.data, start, columns, classes, scratch, settings, candidates);
  };
}
