import { HEAD_TABLE, valuesPerEntry, type BoxForm, type Head } from '../../core/heads/head-table.ts';
import type { OutputLayout } from '../../core/heads/output-layout.ts';
import { makeFloatTensor, makeInt64Tensor, makeNode, makeValueInfo } from './build.ts';
import { dropUnread } from './drop-unread.ts';
import { opsetVersion, type Model } from './model.ts';
import { DATA_TYPE } from './schema.ts';

/** Name of the output of an adapted graph. */
const DETECTIONS = 'goshawk_detections';

export interface AdaptOptions {
  readonly head: Head;
  readonly layout: OutputLayout;
  /** null if it varies from run to run */
  readonly batch: number | null;
  readonly width: number;
  readonly height: number;
}

/** True if the graph's output already fits the head, apart from unused outputs. */
function isInForm(head: Head, { parts, box, unit, logits, background }: OutputLayout): boolean {
  const wanted = HEAD_TABLE[head];
  if (box !== wanted.box || unit !== wanted.unit || logits || background) return false;
  return parts.kind === 'single' && parts.axes === wanted.axes;
}

/** The four outputs of TensorRT's plugin, in its order, with a fixed size per image. */
function isPluginOrder(model: Model, head: Head, { parts, box, unit }: OutputLayout): boolean {
  if (!HEAD_TABLE[head].hasPluginForm) return false;
  if (parts.kind !== 'split' || box !== 'corners' || unit !== 'pixels') return false;
  const { count, boxes, scores, labels } = parts;
  const order = [count, boxes, scores, labels].map((output) => output?.name);
  const lists = scores.dims.length === 2 && labels?.dims.length === 2 && count?.dims.length === 2;
  return lists && model.graph.output.every(({ name }, i) => name === order[i]);
}

/** `out = row * matrix` converts a box from one form to another. */
function boxMatrix(from: BoxForm, to: BoxForm, width: number, height: number): number[] {
  const size = (unit: BoxForm['unit'], side: number): number => (unit === 'normalized' ? side : 1);
  const matrix = new Array<number>(16).fill(0);
  for (const axis of [0, 1]) {
    const side = axis === 0 ? width : height;
    const factor = size(from.unit, side) / size(to.unit, side);
    const [first, second] = [axis, axis + 2];
    // [first in, second in] to [first out, second out]
    const pair =
      from.box === to.box ? [1, 0, 0, 1] : from.box === 'corners' ? [0.5, -1, 0.5, 1] : [1, 1, -0.5, 0.5];
    matrix[4 * first + first] = pair[0]! * factor;
    matrix[4 * first + second] = pair[1]! * factor;
    matrix[4 * second + first] = pair[2]! * factor;
    matrix[4 * second + second] = pair[3]! * factor;
  }
  return matrix;
}

/**
 * Adapts the outputs of a foreign graph to `head`, in place: order of axes, centers or corners, pixels,
 * probabilities, one output. Nodes are appended; the existing graph does not change. Returns the steps in
 * words; empty if the output already had the right form.
 */
export function adaptOutput(model: Model, options: AdaptOptions): string[] {
  const { graph } = model;
  const { head, layout, width, height } = options;
  const { parts, logits, scores } = layout;
  if (isInForm(head, layout) && parts.kind === 'single') {
    const others = graph.output.length > 1;
    graph.output = graph.output.filter(({ name }) => name === parts.output.name);
    if (others) dropUnread(model);
    return others ? ['outputs left out that hold no boxes'] : [];
  }
  if (isPluginOrder(model, head, layout)) return [];

  const steps: string[] = [];
  let made = 0;
  const add = (op: string, inputs: string[], attributes = {}): string => {
    made += 1;
    const output = `goshawk_output_${made}`;
    graph.node.push(makeNode(op, inputs, [output], attributes));
    return output;
  };
  const integers = (values: readonly number[]): string => {
    made += 1;
    const name = `goshawk_output_${made}`;
    graph.initializer.push(makeInt64Tensor(name, values));
    return name;
  };
  const slice = (from: string, axis: number, start: number, end: number): string =>
    opsetVersion(model) < 10
      ? add('Slice', [from], { axes: [axis], starts: [start], ends: [end] })
      : add('Slice', [from, integers([start]), integers([end]), integers([axis])]);
  const unsqueeze = (from: string, axis: number): string =>
    opsetVersion(model) < 13
      ? add('Unsqueeze', [from], { axes: [axis] })
      : add('Unsqueeze', [from, integers([axis])]);
  const turn = (from: string): string => add('Transpose', [from], { perm: [0, 2, 1] });
  const float = (from: string, integer: boolean): string =>
    integer ? add('Cast', [from], { to: DATA_TYPE.FLOAT }) : from;
  const column = ({
    name,
    dims,
    integer,
  }: {
    name: string;
    dims: readonly number[];
    integer: boolean;
  }): string => {
    const values = float(name, integer);
    return dims.length === 2 ? unsqueeze(values, 2) : values;
  };

  let boxes: string;
  let rest: string[];
  if (parts.kind === 'flat') {
    // image, corners, class, score
    boxes = unsqueeze(slice(parts.output.name, 1, 1, 5), 0);
    rest = [unsqueeze(slice(parts.output.name, 1, 6, 7), 0), unsqueeze(slice(parts.output.name, 1, 5, 6), 0)];
    steps.push('image, class and score in their places');
  } else if (parts.kind === 'split') {
    boxes = parts.boxes.name;
    rest = parts.labels === null ? [parts.scores.name] : [column(parts.scores), column(parts.labels)];
    steps.push('boxes and scores side by side');
  } else {
    let all = parts.output.name;
    if (parts.axes === 'channels') {
      all = turn(all);
      steps.push('a row a box');
    }
    const values = parts.output.dims[parts.axes === 'channels' ? 1 : 2] ?? 0;
    boxes = slice(all, 2, 0, 4);
    rest = [slice(all, 2, 4, values)];
  }
  const wanted = HEAD_TABLE[head];
  if (layout.box !== wanted.box || layout.unit !== wanted.unit) {
    made += 1;
    const matrix = `goshawk_output_${made}`;
    graph.initializer.push(makeFloatTensor(matrix, [4, 4], boxMatrix(layout, wanted, width, height)));
    boxes = add('MatMul', [boxes, matrix]);
    steps.push(`boxes as ${wanted.box} in ${wanted.unit === 'pixels' ? 'pixels' : 'shares of the input'}`);
  }
  if (logits && scores !== 'label') {
    rest = rest.map((name) =>
      layout.background ? add('Softmax', [name], { axis: 2 }) : add('Sigmoid', [name]),
    );
    steps.push('probabilities of logits');
  }
  if (layout.background) {
    rest = rest.map((name) => slice(name, 2, 0, layout.classes ?? 0));
    steps.push('the class of "nothing" left out');
  }
  let last = add('Concat', [boxes, ...rest], { axis: 2 });
  const values = valuesPerEntry(scores, layout.classes ?? 0);
  const rows = layout.rows ?? 'boxes';
  const byChannel = wanted.axes === 'channels';
  if (byChannel) {
    last = turn(last);
    steps.push('a channel a value');
  }
  graph.node.push(makeNode('Identity', [last], [DETECTIONS]));
  const dims = byChannel ? [values, rows] : [rows, values];
  graph.output = [makeValueInfo(DETECTIONS, DATA_TYPE.FLOAT, [options.batch ?? 'batch', ...dims])];
  dropUnread(model);
  return steps;
}
