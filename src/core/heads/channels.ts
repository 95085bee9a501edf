import { addCentered, type Candidates } from './candidates.ts';
import { HIGHEST_PROBABILITY, LOWEST_PROBABILITY } from './probability.ts';

/** The best class of each candidate so far. Made anew only where a graph has more candidates than any before. */
export interface ChannelScratch {
  best: Float32Array;
  bestClass: Uint16Array;
}

export function createChannelScratch(candidates: number): ChannelScratch {
  return { best: new Float32Array(candidates), bestClass: new Uint16Array(candidates) };
}

/**
 * Reads candidates that lie channel by channel (`yolov8`): `4 + classes` planes of `columns` values. The planes are gone through in
 * memory order, keeping the best class of each column. Parameters and result as in `readRows`.
 */
export function readChannels(
  data: Float32Array | Int32Array,
  start: number,
  columns: number,
  classes: number,
  scratch: ChannelScratch,
  scoreThreshold: number,
  classFilter: Uint8Array | null,
  candidates: Candidates,
): boolean {
  if (scratch.best.length < columns) Object.assign(scratch, createChannelScratch(columns));
  const { best, bestClass } = scratch;
  best.fill(LOWEST_PROBABILITY);
  // what stays at the lowest value has no class above it; its score cannot pass a threshold
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
    const classIndex = bestClass[column]!;
    if (classFilter !== null && classFilter[classIndex] !== 1) continue;
    const finite = addCentered(
      candidates,
      data[start + column]!,
      data[yPlane + column]!,
      data[widthPlane + column]!,
      data[heightPlane + column]!,
      score,
      classIndex,
    );
    if (!finite) return false;
  }
  return true;
}
