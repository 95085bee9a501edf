import { makeNode, makeValueInfo } from '../../../src/model/onnx/build.ts';
import { writeModel, type Model } from '../../../src/model/onnx/model.ts';
import { DATA_TYPE } from '../../../src/model/onnx/schema.ts';
import { createRandom } from '../../../src/core/random.ts';
import { GraphWriter } from './graph-writer.ts';
import { makeModel } from './tiny-detector.ts';

/** Side of the input, pixels. */
export const FOREIGN_SIZE = 64;

/** How exporters lay out the detections of one and the same network. */
export type ForeignLayout =
  | 'channels'
  | 'rows'
  | 'objectness-one'
  | 'objectness'
  | 'labeled'
  | 'topk'
  | 'nms'
  | 'normalized-centers'
  | 'detr-rows'
  | 'detr-logits'
  | 'detr-softmax'
  | 'detr-softmax-logits'
  | 'target-sizes'
  | 'boxes-scores'
  | 'boxes-scores-labels'
  | 'efficient-nms'
  | 'flat';

export interface ForeignOptions {
  readonly layout: ForeignLayout;
  readonly classes?: number;
  readonly strides?: readonly number[];
  /** minimum score that `nms` lets through */
  readonly scoreThreshold?: number;
  /** name of the second input of `target-sizes` */
  readonly sizeInput?: string;
  /** number of output rows if the graph keeps only some; default 20 */
  readonly keep?: number;
}

/** Sizes of an output by its layout. */
function shapeOf(layout: ForeignLayout, classes: number, cells: number, keep: number): (number | string)[] {
  switch (layout) {
    case 'channels':
      return [1, 4 + classes, cells];
    case 'rows':
      return [1, cells, 4 + classes];
    case 'objectness':
    case 'objectness-one':
      return [1, cells, 5 + classes];
    case 'labeled':
      return [1, cells, 6];
    case 'nms':
      return [1, 'boxes', 6];
    case 'flat':
      return ['boxes', 7];
    case 'detr-rows':
      return [1, keep, 4 + classes];
    default:
      return [1, keep, 6];
  }
}

/**
 * A small real detector: a convolution with seeded weights for each stride, boxes decoded in the graph so that they
 * follow the grid, and the output laid out as by an exporter. All layouts have the same boxes in the same places.
 */
export function foreignDetector(options: ForeignOptions): Model {
  const { layout, classes = 2, strides = [8, 16, 32], scoreThreshold = 0.25, keep = 20 } = options;
  const random = createRandom(11);
  const { nodes, initializers, constant, integers, add } = new GraphWriter();
  const slice = (from: string, output: string, axis: number, start: number, end: number): string =>
    add(
      'Slice',
      [
        from,
        integers(`${output}_from`, [start]),
        integers(`${output}_to`, [end]),
        integers(`${output}_axis`, [axis]),
      ],
      output,
    );

  const values = 4 + classes;
  const columns = strides.map((stride) => FOREIGN_SIZE / stride);
  const cells = columns.reduce((total, count) => total + count * count, 0);
  const scale = new Float32Array(4 * cells);
  const offset = new Float32Array(4 * cells);
  let cell = 0;
  strides.forEach((stride, level) => {
    for (let i = 0; i < columns[level]! ** 2; i += 1, cell += 1) {
      const x = (i % columns[level]!) * stride;
      const y = Math.floor(i / columns[level]!) * stride;
      [x, y].forEach((corner, k) => {
        scale[k * cells + cell] = stride;
        offset[k * cells + cell] = corner;
        scale[(2 + k) * cells + cell] = 2 * stride;
        offset[(2 + k) * cells + cell] = stride / 2;
      });
    }
  });
  const maps = strides.map((stride) => {
    const weights = Float32Array.from(
      { length: values * 3 * stride * stride },
      () => random.range(-1, 1) / stride,
    );
    const bias = Float32Array.from({ length: values }, () => random.range(-0.5, 0.5));
    const names = [
      'picture',
      constant(`w${stride}`, [values, 3, stride, stride], weights),
      constant(`b${stride}`, [values], bias),
    ];
    const map = add('Conv', names, `map${stride}`, {
      kernel_shape: [stride, stride],
      strides: [stride, stride],
    });
    return add('Reshape', [map, integers(`shape${stride}`, [0, values, -1])], `flat${stride}`);
  });
  const raw = add('Concat', maps, 'raw', { axis: 2 });
  const logits = slice(raw, 'logits', 1, 4, values);
  const scores = add('Sigmoid', [logits], 'scores');
  const squashed = add('Sigmoid', [slice(raw, 'raw_boxes', 1, 0, 4)], 'squashed');
  const scaled = add('Mul', [squashed, constant('scale', [1, 4, cells], scale)], 'scaled');
  const boxes = add('Add', [scaled, constant('offset', [1, 4, cells], offset)], 'boxes');

  const rows = (name: string): string => add('Transpose', [name], `${name}_rows`, { perm: [0, 2, 1] });
  const boxRows = rows(boxes);
  const scoreRows = rows(scores);
  const cornerRows = (): string => {
    const center = slice(boxRows, 'center', 2, 0, 2);
    const half = add('Mul', [slice(boxRows, 'extent', 2, 2, 4), constant('half', [], [0.5])], 'half_extent');
    return add('Concat', [add('Sub', [center, half], 'low'), add('Add', [center, half], 'high')], 'corners', {
      axis: 2,
    });
  };
  const best = (): string => add('ReduceMax', [scoreRows], 'best', { axes: [2], keepdims: 1 });
  const label = (): string =>
    add('Cast', [add('ArgMax', [scoreRows], 'argmax', { axis: 2, keepdims: 1 })], 'label', {
      to: DATA_TYPE.FLOAT,
    });
  const labeled = (): string => add('Concat', [cornerRows(), best(), label()], 'labeled_rows', { axis: 2 });
  const first = (name: string): string => slice(name, `${name}_first`, 1, 0, keep);
  const normalized = (name: string): string =>
    add('Div', [name, constant(`${name}_side`, [], [FOREIGN_SIZE])], `${name}_unit`);

  let outputs: [string, number, readonly (number | string)[]][] = [
    ['found', DATA_TYPE.FLOAT, shapeOf(layout, classes, cells, keep)],
  ];
  const domains: string[] = [];
  switch (layout) {
    case 'channels':
      add('Concat', [boxes, scores], 'found', { axis: 1 });
      break;
    case 'rows':
      add('Concat', [boxRows, scoreRows], 'found', { axis: 2 });
      break;
    case 'objectness-one':
      add(
        'Concat',
        [boxRows, constant('one', [1, cells, 1], new Float32Array(cells).fill(1)), scoreRows],
        'found',
        { axis: 2 },
      );
      break;
    case 'objectness':
      add('Concat', [boxRows, best(), scoreRows], 'found', { axis: 2 });
      break;
    case 'labeled':
      add('Identity', [labeled()], 'found');
      break;
    case 'topk': {
      const all = labeled();
      const flat = add('Reshape', ['best', integers('flat', [0, -1])], 'best_flat');
      nodes.push(makeNode('TopK', [flat, integers('k', [keep])], ['top', 'places']));
      const places = add('Reshape', ['places', integers('column', [0, -1, 1])], 'places_column');
      const tiled = add('Tile', [places, integers('times', [1, 1, 6])], 'places_rows');
      add('GatherElements', [all, tiled], 'found', { axis: 1 });
      break;
    }
    case 'nms': {
      const all = labeled();
      const limits = [
        integers('most', [keep]),
        constant('iou', [1], [0.5]),
        constant('least', [1], [scoreThreshold]),
      ];
      const planes = add('Transpose', ['best'], 'best_plane', { perm: [0, 2, 1] });
      add('NonMaxSuppression', ['corners', planes, ...limits], 'chosen');
      const place = add(
        'Reshape',
        [slice('chosen', 'chosen_box', 1, 2, 3), integers('list', [-1])],
        'chosen_list',
      );
      add('Gather', [all, place], 'found', { axis: 1 });
      break;
    }
    case 'flat': {
      const list = add('Reshape', [first(labeled()), integers('list', [-1, 6])], 'list_rows');
      const zero = add('Mul', [slice(list, 'any', 1, 0, 1), constant('nothing', [], [0])], 'picture_index');
      const parts = [
        zero,
        slice(list, 'list_box', 1, 0, 4),
        slice(list, 'list_label', 1, 5, 6),
        slice(list, 'list_score', 1, 4, 5),
      ];
      add('Concat', parts, 'found', { axis: 1 });
      break;
    }
    case 'normalized-centers':
      add('Concat', [normalized(first(boxRows)), first(best()), first(label())], 'found', { axis: 2 });
      break;
    case 'detr-rows':
      add('Concat', [normalized(first(boxRows)), first(scoreRows)], 'found', { axis: 2 });
      break;
    case 'detr-logits':
      add('Identity', [normalized(first(boxRows))], 'pred_boxes');
      add('Identity', [first(rows(logits))], 'pred_logits');
      outputs = [
        ['pred_logits', DATA_TYPE.FLOAT, [1, keep, classes]],
        ['pred_boxes', DATA_TYPE.FLOAT, [1, keep, 4]],
      ];
      break;
    case 'detr-softmax':
    case 'detr-softmax-logits': {
      add('Identity', [normalized(first(boxRows))], 'pred_boxes');
      const nothing = constant('nothing', [1, keep, 1], new Float32Array(keep));
      const all = add('Concat', [first(rows(logits)), nothing], 'all_logits', { axis: 2 });
      if (layout === 'detr-softmax') add('Softmax', [all], 'pred_logits', { axis: 2 });
      else add('Identity', [all], 'pred_logits');
      outputs = [
        ['pred_logits', DATA_TYPE.FLOAT, [1, keep, classes + 1]],
        ['pred_boxes', DATA_TYPE.FLOAT, [1, keep, 4]],
      ];
      break;
    }
    case 'target-sizes': {
      // like RT-DETR and D-FINE exported with their postprocessor: shares of the input times the given size
      const all = labeled();
      const flat = add('Reshape', ['best', integers('flat', [0, -1])], 'best_flat');
      nodes.push(makeNode('TopK', [flat, integers('k', [keep])], ['scores_out', 'places']));
      const places = add('Reshape', ['places', integers('column', [0, -1, 1])], 'places_column');
      const tiled = add('Tile', [places, integers('times', [1, 1, 6])], 'places_rows');
      const chosen = add('GatherElements', [all, tiled], 'chosen', { axis: 1 });
      const unit = normalized(slice(chosen, 'chosen_boxes', 2, 0, 4));
      const sizes = add('Cast', [options.sizeInput ?? 'orig_target_sizes'], 'sizes', { to: DATA_TYPE.FLOAT });
      const twice = add('Concat', [sizes, sizes], 'sizes_twice', { axis: 1 });
      const factor = add('Reshape', [twice, integers('factor_shape', [-1, 1, 4])], 'factor');
      add('Mul', [unit, factor], 'boxes_out');
      const label1 = slice(chosen, 'chosen_label', 2, 5, 6);
      const list = add('Reshape', [label1, integers('label_list', [0, -1])], 'label_list_out');
      add('Cast', [list], 'labels_out', { to: DATA_TYPE.INT64 });
      outputs = [
        ['labels_out', DATA_TYPE.INT64, [1, keep]],
        ['boxes_out', DATA_TYPE.FLOAT, [1, keep, 4]],
        ['scores_out', DATA_TYPE.FLOAT, [1, keep]],
      ];
      break;
    }
    case 'boxes-scores':
      add('Identity', [cornerRows()], 'out_boxes');
      add('Identity', [scoreRows], 'out_scores');
      outputs = [
        ['out_boxes', DATA_TYPE.FLOAT, [1, cells, 4]],
        ['out_scores', DATA_TYPE.FLOAT, [1, cells, classes]],
      ];
      break;
    case 'boxes-scores-labels':
      add('Identity', [cornerRows()], 'out_boxes');
      add('Reshape', [best(), integers('no_column', [0, -1])], 'out_scores');
      add('ArgMax', [scoreRows], 'out_labels', { axis: 2, keepdims: 0 });
      outputs = [
        ['out_labels', DATA_TYPE.INT64, [1, cells]],
        ['out_boxes', DATA_TYPE.FLOAT, [1, cells, 4]],
        ['out_scores', DATA_TYPE.FLOAT, [1, cells]],
      ];
      break;
    case 'efficient-nms': {
      const node = makeNode(
        'EfficientNMS_TRT',
        [cornerRows(), scoreRows],
        ['num_dets', 'det_boxes', 'det_scores', 'det_classes'],
        {
          background_class: -1,
          box_coding: 0,
          iou_threshold: { float: 0.6 },
          max_output_boxes: keep,
          score_activation: 0,
          score_threshold: { float: 0.3 },
        },
      );
      node.domain = 'TRT';
      nodes.push(node);
      domains.push('TRT');
      outputs = [
        ['num_dets', DATA_TYPE.INT32, [1, 1]],
        ['det_boxes', DATA_TYPE.FLOAT, [1, keep, 4]],
        ['det_scores', DATA_TYPE.FLOAT, [1, keep]],
        ['det_classes', DATA_TYPE.INT32, [1, keep]],
      ];
      break;
    }
  }
  const model = makeModel({
    nodes,
    initializers,
    input: ['picture', [1, 3, FOREIGN_SIZE, FOREIGN_SIZE]],
    output: ['found', []],
  });
  if (layout === 'target-sizes') {
    model.graph.input.push(
      makeValueInfo(options.sizeInput ?? 'orig_target_sizes', DATA_TYPE.INT64, ['N', 2]),
    );
  }
  model.graph.output = outputs.map(([name, type, dims]) => makeValueInfo(name, type, dims));
  model.opsetImport.push(...domains.map((domain) => ({ ...model.opsetImport[0]!, domain, version: 1n })));
  return model;
}

export const foreignBytes = (options: ForeignOptions): Uint8Array => writeModel(foreignDetector(options));
