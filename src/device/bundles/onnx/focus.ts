import { makeFloatTensor, setAttribute } from './build.ts';
import { GraphIndex } from './graph-index.ts';
import type { Model } from './model.ts';
import { readByNestedGraph, visitInputs } from './rename.ts';
import type { GraphProto, NodeProto, TensorProto } from './schema.ts';
import { intAttribute, intsAttribute, readFloats, readIntegers } from './tensors.ts';

/** Slices end here or further where they end with the tensor. */
const FAR = 2 ** 30;

/** Every other row and column of `source` from these on. */
interface Phase {
  readonly source: string;
  readonly row: number;
  readonly column: number;
}

interface Focus {
  readonly source: string;
  /** in the order of the channels */
  readonly phases: readonly Phase[];
  readonly convolutions: readonly { readonly node: NodeProto; readonly weights: TensorProto }[];
}

/**
 * Makes one convolution of a Focus layer (YOLOv5, YOLOX: four slices of every other pixel, side by side as channels) and each
 * convolution that reads it, in place: the tap (y, x) on the slice that begins at (row, column) is the tap (2 y + row, 2 x + column)
 * on the picture, with twice the stride and padding. The same sums, without copying the picture twice.
 * Returns the number of Focus layers; 0, and nothing is changed, where there is none.
 */
export function joinFocus(model: Model): number {
  const index = new GraphIndex(model);
  const found = model.graph.node
    .map((node) => focusOf(model, index, node))
    .filter((focus): focus is Focus => focus !== null);
  for (const focus of found)
    for (const { node, weights } of focus.convolutions) widen(model, focus, node, weights);
  if (found.length > 0) dropUnread(model);
  return found.length;
}

function focusOf(model: Model, index: GraphIndex, concat: NodeProto): Focus | null {
  const [joined] = concat.output;
  const isConcat =
    concat.opType === 'Concat' && intAttribute(concat, 'axis', 0) === 1 && concat.input.length === 4;
  if (!isConcat || joined === undefined) return null;
  const phases = concat.input.map((name) => phaseOf(index, name));
  if (!phases.every((phase) => phase !== null)) return null;
  const [{ source } = { source: '' }] = phases;
  const places = new Set(phases.map(({ row, column }) => 2 * row + column));
  if (places.size !== 4 || phases.some((phase) => phase.source !== source)) return null;

  if (index.isOutput(joined) || readByNestedGraph(model.graph, new Set([joined]))) return null;
  const convolutions = index
    .readers(joined)
    .map((node) => ({ node, weights: plainWeights(index, node, joined) }));
  return convolutions.length > 0 &&
    convolutions.every((entry): entry is Focus['convolutions'][number] => entry.weights !== null)
    ? { source, phases, convolutions }
    : null;
}

/** Weights of a convolution that reads all channels alike; null for any other node. */
function plainWeights(index: GraphIndex, node: NodeProto, input: string): TensorProto | null {
  const plain =
    node.opType === 'Conv' &&
    node.domain === '' &&
    node.input[0] === input &&
    intAttribute(node, 'group', 1) === 1 &&
    intsAttribute(node, 'dilations').every((step) => step === 1) &&
    node.attribute.every(({ name, s }) => name !== 'auto_pad' || new TextDecoder().decode(s) === 'NOTSET');
  const weights = plain ? index.constant(node.input[1]) : null;
  if (weights === null || weights.dims.length !== 4 || Number(weights.dims[1]) % 4 !== 0) return null;
  return readFloats(weights) === null ? null : weights;
}

/** Where a tensor was cut from, following slices of two steps along rows and columns; null where it was not so. */
function phaseOf(index: GraphIndex, name: string): Phase | null {
  let row: number | null = null;
  let column: number | null = null;
  let source = name;
  for (let node = index.producer(source); node?.opType === 'Slice'; node = index.producer(source)) {
    const cut = everyOther(index, node);
    const [from] = node.input;
    const [rowHere, columnHere] = [cut?.get(2), cut?.get(3)];
    const again = (rowHere !== undefined && row !== null) || (columnHere !== undefined && column !== null);
    if (cut === null || again || from === undefined) break;
    row ??= rowHere ?? null;
    column ??= columnHere ?? null;
    source = from;
  }
  return row === null || column === null ? null : { source, row, column };
}

/** Start of a Slice by axis, where it takes every other row or column (0 or 1 on) up to the end. */
function everyOther(index: GraphIndex, node: NodeProto): Map<number, number> | null {
  const [starts, ends, axes, steps] = node.input.slice(1, 5).map((name) => {
    const value = index.constant(name);
    return value === null ? null : readIntegers(value);
  });
  if (!starts || !ends || !axes || !steps) return null;
  const cut = new Map(Array.from(axes, (axis, i) => [axis, starts[i] ?? -1]));
  const fits =
    ends.every((end) => end >= FAR) &&
    steps.every((step) => step === 2) &&
    [...cut].every(([axis, start]) => (axis === 2 || axis === 3) && (start === 0 || start === 1));
  return fits ? cut : null;
}

function widen(model: Model, { source, phases }: Focus, node: NodeProto, weights: TensorProto): void {
  const old = readFloats(weights);
  if (old === null) return;
  const [outputs = 0, inputs = 0, rows = 0, columns = 0] = weights.dims.map(Number);
  const channels = inputs / 4;
  const values = new Float32Array(old.length);
  for (let o = 0; o < outputs; o += 1) {
    phases.forEach(({ row, column }, part) => {
      for (let channel = 0; channel < channels; channel += 1) {
        const from = (o * inputs + part * channels + channel) * rows * columns;
        const to = (o * channels + channel) * 4 * rows * columns;
        for (let y = 0; y < rows; y += 1) {
          for (let x = 0; x < columns; x += 1) {
            const tap = (2 * y + row) * 2 * columns + 2 * x + column;
            values[to + tap] = old[from + y * columns + x] ?? 0;
          }
        }
      }
    });
  }
  const name = `${node.output[0] ?? ''}/focus_weights`;
  model.graph.initializer.push(makeFloatTensor(name, [outputs, channels, 2 * rows, 2 * columns], values));
  node.input[0] = source;
  node.input[1] = name;
  const doubled = (attribute: string, fallback: readonly number[]): number[] => {
    const given = intsAttribute(node, attribute);
    return (given.length > 0 ? given : fallback).map((value) => 2 * value);
  };
  setAttribute(node, 'kernel_shape', [2 * rows, 2 * columns]);
  setAttribute(node, 'strides', doubled('strides', [1, 1]));
  setAttribute(node, 'pads', doubled('pads', [0, 0, 0, 0]));
}

/** Takes out the nodes and constants that nobody reads anymore. */
function dropUnread({ graph }: Model): void {
  for (let before = -1; before !== graph.node.length;) {
    before = graph.node.length;
    const read = namesRead(graph);
    graph.node = graph.node.filter(({ output }) => output.some((name) => read.has(name)));
  }
  const read = namesRead(graph);
  // a constant that the file also lists as an input would have to be fed without its value
  for (const { name } of graph.input) read.add(name);
  graph.initializer = graph.initializer.filter(({ name }) => read.has(name));
}

function namesRead(graph: GraphProto): Set<string> {
  const read = new Set(graph.output.map(({ name }) => name));
  visitInputs(graph, (inputs) => {
    for (const name of inputs) read.add(name);
  });
  return read;
}
