import type { Detections } from '../detections.ts';
import { AGREEMENT_FROM, MAX_AGREEMENT_KEPT, type BoxAgreement } from '../drift/box-agreement.ts';
import type { Letterbox } from '../image/letterbox.ts';
import { ScoreOrder, Suppressor } from '../nms.ts';
import { createCandidates, MULTI_LABEL_CANDIDATES, type Candidates } from './candidates.ts';
import { gridCells } from './grid.ts';
import { HEAD_TABLE, type Head } from './head-table.ts';
import type { DecodeOutcome, Decoder, DecodeSettings, OutputTensor, ReaderOptions } from './head.ts';

export interface DecoderOptions extends ReaderOptions {
  readonly head: Head;
  /** only this many of the best boxes take part in suppression; `Infinity` for all, as in an evaluation */
  readonly maxCandidates: number;
}

/**
 * Copies the chosen candidates to `out` as source pixels, clipped to the image. Boxes that lie entirely
 * outside it (in the letterbox's border) are skipped.
 */
function emit(
  candidates: Candidates,
  kept: Uint32Array,
  keptCount: number,
  letterbox: Letterbox,
  out: Detections,
): void {
  const { scale, padX, padY, sourceWidth, sourceHeight } = letterbox;
  let count = 0;
  for (let k = 0; k < keptCount; k++) {
    const entry = kept[k]!;
    const from = 4 * entry;
    const x1 = Math.max(0, (candidates.boxes[from]! - padX) / scale);
    const y1 = Math.max(0, (candidates.boxes[from + 1]! - padY) / scale);
    const x2 = Math.min(sourceWidth, (candidates.boxes[from + 2]! - padX) / scale);
    const y2 = Math.min(sourceHeight, (candidates.boxes[from + 3]! - padY) / scale);
    if (x2 <= x1 || y2 <= y1) continue;
    const to = 4 * count;
    out.boxes[to] = x1;
    out.boxes[to + 1] = y1;
    out.boxes[to + 2] = x2;
    out.boxes[to + 3] = y2;
    out.scores[count] = Math.min(1, candidates.scores[entry]!);
    out.classes[count] = candidates.classes[entry]!;
    out.tracks[count] = 0;
    count++;
  }
  out.count = count;
}

/**
 * Reads all candidates of one image; null if the output has the wrong shape or invalid numbers for the head.
 */
export type CandidateReader = (
  outputs: readonly OutputTensor[],
  batchIndex: number,
) => Pick<Candidates, 'count' | 'boxes' | 'scores' | 'classes'> | null;

/**
 * A reader of everything that a graph outputs, before threshold and suppression: entry i is row (or column) i
 * of the output, with its best class. Heads that suppress in the graph yield their detections. The result is
 * overwritten by the next call.
 */
export function createCandidateReader(options: Omit<DecoderOptions, 'maxCandidates'>): CandidateReader {
  const { reader, isPadded } = HEAD_TABLE[options.head];
  const read = reader(options);
  const candidates = createCandidates(gridCells(options.inputWidth, options.inputHeight));
  // no score is below -1, so entries keep their places; padding has a score of 0
  const scoreThreshold = isPadded ? 0 : -1;
  const settings = { scoreThreshold, iouThreshold: 1, maxDetections: 0 };
  return (outputs, batchIndex) => (read(outputs, batchIndex, settings, candidates) ? candidates : null);
}

/**
 * A decoder for one graph. Scratch memory is allocated here and grows only if an output is larger than any
 * before.
 */
export function createDecoder(options: DecoderOptions): Decoder {
  const { maxCandidates } = options;
  const { reader, isSuppressed } = HEAD_TABLE[options.head];
  const read = reader(options);
  const candidates = createCandidates(gridCells(options.inputWidth, options.inputHeight));
  const suppressor = new Suppressor();
  const order = new ScoreOrder();
  let kept = new Uint32Array(0);
  let suppressedBy = new Uint32Array(0);
  const suppression = { iouThreshold: 0, maxCandidates, maxKept: 0 };
  const wide: { -readonly [Key in keyof DecodeSettings]: DecodeSettings[Key] } = {
    scoreThreshold: 0,
    iouThreshold: 0,
    maxDetections: 0,
  };

  /** Reads the boxes that only an agreement needs, too. False if one is invalid, which is no fault of the others. */
  function readWide(
    outputs: readonly OutputTensor[],
    batchIndex: number,
    { scoreThreshold, classFilter = null, multiLabel = false }: DecodeSettings,
  ): boolean {
    wide.scoreThreshold = Math.min(scoreThreshold, AGREEMENT_FROM);
    wide.classFilter = classFilter;
    wide.multiLabel = multiLabel;
    return read(outputs, batchIndex, wide, candidates);
  }

  function suppress(settings: DecodeSettings, limit: number, agreement: BoxAgreement | null): number {
    suppression.iouThreshold = settings.iouThreshold;
    suppression.maxCandidates =
      settings.multiLabel === true ? Math.min(maxCandidates, MULTI_LABEL_CANDIDATES) : maxCandidates;
    suppression.maxKept = limit;
    if (agreement === null) return suppressor.run(candidates, suppression, kept);
    suppression.maxKept = kept.length;
    if (suppressedBy.length < candidates.count) suppressedBy = new Uint32Array(candidates.scores.length);
    let keptCount = suppressor.run(candidates, suppression, kept, suppressedBy);
    agreement.measure(candidates, kept, keptCount, suppressedBy);
    // boxes below the threshold change nothing: suppression goes from the best score down
    keptCount = Math.min(keptCount, limit);
    while (keptCount > 0 && candidates.scores[kept[keptCount - 1]!]! <= settings.scoreThreshold) keptCount--;
    return keptCount;
  }

  function decode(
    outputs: readonly OutputTensor[],
    batchIndex: number,
    letterbox: Letterbox,
    settings: DecodeSettings,
    out: Detections,
    agreement: BoxAgreement | null = null,
  ): DecodeOutcome {
    agreement?.clear();
    const measured =
      agreement !== null && !isSuppressed && readWide(outputs, batchIndex, settings) ? agreement : null;
    if (measured === null && !read(outputs, batchIndex, settings, candidates)) return 'invalid';
    const limit = Math.min(settings.maxDetections, out.scores.length);
    const room = measured === null ? limit : Math.max(limit, MAX_AGREEMENT_KEPT);
    if (kept.length < room) kept = new Uint32Array(room);
    const keptCount = isSuppressed
      ? order.best(candidates.scores, candidates.count, limit, kept)
      : suppress(settings, limit, measured);
    emit(candidates, kept, keptCount, letterbox, out);
    return 'ok';
  }
  return { decode };
}
