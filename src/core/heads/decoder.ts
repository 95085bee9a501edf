import type { Detections } from '../detections.ts';
import type { Letterbox } from '../image/letterbox.ts';
import { ScoreOrder, Suppressor } from '../nms.ts';
import { createCandidates, MULTI_LABEL_CANDIDATES, resetCandidates, type Candidates } from './candidates.ts';
import { createChannelScratch, readChannels } from './channels.ts';
import { FINISHED_ROW, readFinishedParts, readFinishedRows } from './end2end.ts';
import { createGrid, gridCells, gridPlanFor, type Grid } from './grid.ts';
import type { DecodeOutcome, Decoder, DecodeSettings, Head, OutputTensor } from './head.ts';
import { readQueries } from './queries.ts';
import { readRows } from './rows.ts';

export interface DecoderOptions {
  readonly head: Head;
  /** network input, pixels */
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** classes of the graph, 1..65535 */
  readonly classes: number;
  /** only this many of the best boxes take part in suppression; `Infinity` for all, as in an evaluation */
  readonly maxCandidates: number;
}

/**
 * Collects everything above the threshold. Returns false if the output has the wrong shape or invalid numbers
 * for the head.
 */
type Reader = (
  outputs: readonly OutputTensor[],
  batchIndex: number,
  settings: DecodeSettings,
  candidates: Candidates,
) => boolean;

/** True if the tensor has rank 3, contains image `batchIndex`, and has as many values as its sizes imply. */
function holds(tensor: OutputTensor, batchIndex: number): boolean {
  const { dims, data } = tensor;
  return dims.length === 3 && batchIndex < dims[0]! && data.length === dims[0]! * dims[1]! * dims[2]!;
}

/**
 * Rows of center, size, objectness and classes; relative to their grid cells for `yolox`, whose grid is made
 * for the first output.
 */
function rowReader(options: DecoderOptions): Reader {
  const { inputWidth, inputHeight, classes, head } = options;
  let grid: Grid | null = null;
  return (outputs, batchIndex, settings, candidates) => {
    const tensor = outputs[0];
    if (tensor === undefined || !holds(tensor, batchIndex)) return false;
    const rows = tensor.dims[1]!;
    const rowLength = tensor.dims[2]!;
    if (rowLength !== 5 + classes) return false;
    if (head === 'yolox' && grid?.stride.length !== rows) {
      const plan = gridPlanFor(inputWidth, inputHeight, rows);
      if (plan?.anchors !== 1) return false;
      grid = createGrid(inputWidth, inputHeight, plan);
    }
    resetCandidates(candidates, rows, settings.multiLabel === true);
    const start = batchIndex * rows * rowLength;
    return readRows(tensor.data, start, rows, classes, grid, settings, candidates);
  };
}

/** Rows of center, size and classes, normalized to the input. */
function queryReader(options: DecoderOptions): Reader {
  const { inputWidth, inputHeight, classes } = options;
  return (outputs, batchIndex, settings, candidates) => {
    const tensor = outputs[0];
    if (tensor === undefined || !holds(tensor, batchIndex)) return false;
    const rows = tensor.dims[1]!;
    const rowLength = tensor.dims[2]!;
    if (rowLength !== 4 + classes) return false;
    resetCandidates(candidates, rows, settings.multiLabel === true);
    const start = batchIndex * rows * rowLength;
    return readQueries(tensor.data, start, rows, classes, inputWidth, inputHeight, settings, candidates);
  };
}

function channelReader(options: DecoderOptions): Reader {
  const { classes, inputWidth, inputHeight } = options;
  const scratch = createChannelScratch(gridCells(inputWidth, inputHeight));
  return (outputs, batchIndex, settings, candidates) => {
    const tensor = outputs[0];
    if (tensor === undefined || !holds(tensor, batchIndex)) return false;
    const channels = tensor.dims[1]!;
    const columns = tensor.dims[2]!;
    if (channels !== 4 + classes) return false;
    resetCandidates(candidates, columns, settings.multiLabel === true);
    const start = batchIndex * channels * columns;
    return readChannels(tensor.data, start, columns, classes, scratch, settings, candidates);
  };
}

function finishedReader(options: DecoderOptions): Reader {
  const { classes } = options;
  return (outputs, batchIndex, settings, candidates) => {
    const boxes = outputs[outputs.length === 4 ? 1 : 0];
    if (boxes === undefined || !holds(boxes, batchIndex)) return false;
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

const READERS: Record<Head, (options: DecoderOptions) => Reader> = {
  yolox: rowReader,
  yolov5: rowReader,
  yolov8: channelReader,
  labeled: finishedReader,
  detr: queryReader,
  end2end: finishedReader,
};

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
 * True if entry i of the output refers to the same position in every image; false if the graph itself selects
 * and sorts.
 */
export function keepsPlaces(head: Head): boolean {
  return head !== 'end2end' && head !== 'detr';
}

/**
 * A reader of everything that a graph outputs, before threshold and suppression: entry i is row (or column) i
 * of the output, with its best class. Heads that suppress in the graph yield their detections. The result is
 * overwritten by the next call.
 */
export function createCandidateReader(options: Omit<DecoderOptions, 'maxCandidates'>): CandidateReader {
  const read = READERS[options.head]({ ...options, maxCandidates: Infinity });
  const candidates = createCandidates(gridCells(options.inputWidth, options.inputHeight));
  // no row of a grid head is below -1, so entries keep their places; unused rows of the others have a score
  // of 0
  const scoreThreshold = options.head === 'end2end' ? 0 : -1;
  const settings = { scoreThreshold, iouThreshold: 1, maxDetections: 0 };
  return (outputs, batchIndex) => (read(outputs, batchIndex, settings, candidates) ? candidates : null);
}

/**
 * A decoder for one graph. Scratch memory is allocated here and grows only if an output is larger than any
 * before.
 */
export function createDecoder(options: DecoderOptions): Decoder {
  const { head, maxCandidates } = options;
  const read = READERS[head](options);
  const candidates = createCandidates(gridCells(options.inputWidth, options.inputHeight));
  const suppressor = new Suppressor();
  const order = new ScoreOrder();
  let kept = new Uint32Array(0);
  const suppression = { iouThreshold: 0, classAgnostic: false, maxCandidates, maxKept: 0 };

  function decode(
    outputs: readonly OutputTensor[],
    batchIndex: number,
    letterbox: Letterbox,
    settings: DecodeSettings,
    out: Detections,
  ): DecodeOutcome {
    if (!read(outputs, batchIndex, settings, candidates)) return 'invalid';
    const limit = Math.min(settings.maxDetections, out.scores.length);
    if (kept.length < limit) kept = new Uint32Array(limit);
    let keptCount: number;
    if (head === 'end2end' || head === 'detr') {
      keptCount = order.best(candidates.scores, candidates.count, limit, kept);
    } else {
      suppression.iouThreshold = settings.iouThreshold;
      suppression.classAgnostic = settings.classAgnostic ?? false;
      suppression.maxCandidates =
        settings.multiLabel === true ? Math.min(maxCandidates, MULTI_LABEL_CANDIDATES) : maxCandidates;
      suppression.maxKept = limit;
      keptCount = suppressor.run(candidates, suppression, kept);
    }
    emit(candidates, kept, keptCount, letterbox, out);
    return 'ok';
  }
  return { decode };
}
