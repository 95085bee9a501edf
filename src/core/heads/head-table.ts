import { channelReader } from './channels.ts';
import { finishedReader } from './end2end.ts';
import type { Reader, ReaderOptions } from './head.ts';
import { queryReader } from './queries.ts';
import { cellReader, rowReader } from './rows.ts';

/** How the values of a box are written. */
export interface BoxForm {
  readonly box: 'corners' | 'centers';
  /** of the network's input; `cells`: relative to the grid cell, as in undecoded YOLOX */
  readonly unit: 'pixels' | 'normalized' | 'cells';
}

/** One value per class, the same after an objectness, or one score and a label. */
export type ScoreForm = 'classes' | 'objectness' | 'label';

interface HeadRow extends BoxForm {
  /** creates the reader that collects the boxes of one image */
  readonly reader: (options: ReaderOptions) => Reader;
  /** `rows`: `[batch, N, values]`, box by box; `channels`: `[batch, values, N]`, value by value */
  readonly axes: 'rows' | 'channels';
  readonly scores: ScoreForm;
  /** suppression happened in the graph: each object appears once */
  readonly isSuppressed: boolean;
  /**
   * Whether entry i is at the same position in every image. `open`: usually, but a graph may sort, so graphs are
   * compared by their detections. `sorted`: the graph selects and sorts.
   */
  readonly places: 'fixed' | 'open' | 'sorted';
  /** unused entries have a score of 0 */
  readonly isPadded: boolean;
  /** EfficientNMS's count `[batch, 1]`, boxes `[batch, N, 4]`, scores and classes `[batch, N]` fit as well */
  readonly hasPluginForm: boolean;
  /** if the shapes fit, another head is unlikely; `false` if too many graphs fit */
  readonly isDistinctive: boolean;
  /** name of the entries in messages */
  readonly entries: string;
  /** how models with it are usually trained (`device/authoring/presets.ts`) */
  readonly training: 'yolox' | 'ultralytics';
}

/** Each row starts with the shape of the output: N is the number of candidates, C of classes. */
const ROWS = {
  /** `[batch, N, 5 + C]`, `x = (tx + gx) * stride`, `w = exp(tw) * stride`; one candidate per cell */
  yolox: {
    reader: cellReader,
    axes: 'rows',
    box: 'centers',
    unit: 'cells',
    scores: 'objectness',
    isSuppressed: false,
    places: 'fixed',
    isPadded: false,
    hasPluginForm: false,
    isDistinctive: true,
    entries: 'cells of the grid',
    training: 'yolox',
  },
  /** `[batch, N, 5 + C]`, decoded in the graph (also YOLOX and YOLOv6 if exported decoded) */
  yolov5: {
    reader: rowReader,
    axes: 'rows',
    box: 'centers',
    unit: 'pixels',
    scores: 'objectness',
    isSuppressed: false,
    places: 'fixed',
    isPadded: false,
    hasPluginForm: false,
    isDistinctive: true,
    entries: 'boxes',
    training: 'ultralytics',
  },
  /** `[batch, 4 + C, N]`, channel by channel (and v9, 11, 12); no objectness */
  yolov8: {
    reader: channelReader,
    axes: 'channels',
    box: 'centers',
    unit: 'pixels',
    scores: 'classes',
    isSuppressed: false,
    places: 'fixed',
    isPadded: false,
    hasPluginForm: false,
    isDistinctive: true,
    entries: 'boxes',
    training: 'ultralytics',
  },
  /** `[batch, N, 6]` with x1, y1, x2, y2, score, class of every candidate (DeepStream's exports) */
  labeled: {
    reader: finishedReader,
    axes: 'rows',
    box: 'corners',
    unit: 'pixels',
    scores: 'label',
    isSuppressed: false,
    places: 'open',
    isPadded: false,
    hasPluginForm: false,
    isDistinctive: false,
    entries: 'boxes',
    training: 'ultralytics',
  },
  /** `[batch, N, 4 + C]`, one row per query; classes as probabilities */
  detr: {
    reader: queryReader,
    axes: 'rows',
    box: 'centers',
    unit: 'normalized',
    scores: 'classes',
    isSuppressed: true,
    places: 'sorted',
    isPadded: false,
    hasPluginForm: false,
    isDistinctive: false,
    entries: 'queries',
    training: 'ultralytics',
  },
  /** `[batch, N, 6]` with x1, y1, x2, y2, score, class (YOLOv10, YOLO26), or TensorRT's EfficientNMS */
  end2end: {
    reader: finishedReader,
    axes: 'rows',
    box: 'corners',
    unit: 'pixels',
    scores: 'label',
    isSuppressed: true,
    places: 'sorted',
    isPadded: true,
    hasPluginForm: true,
    isDistinctive: false,
    entries: 'boxes',
    training: 'ultralytics',
  },
} satisfies Readonly<Record<string, HeadRow>>;

export type Head = keyof typeof ROWS;

/**
 * How to read a detector's raw output: everything that decoding, graph checks and import (with its adaptation of
 * foreign graphs) need to know about a head. If several fit a foreign graph, import chooses the first.
 */
export const HEAD_TABLE: Readonly<Record<Head, HeadRow>> = ROWS;

/** The names of all heads. */
export const HEADS = Object.keys(ROWS) as [Head, ...Head[]];

/** Values of an entry: the box, then a score and a label, or a score for each class. */
export function valuesPerEntry(scores: ScoreForm, classes: number): number {
  if (scores === 'label') return 6;
  return classes + (scores === 'objectness' ? 5 : 4);
}
