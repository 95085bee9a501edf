import { makeFloatTensor, setAttribute } from './build.ts';
import { dropUnread } from './drop-unread.ts';
import { GraphIndex } from './graph-index.ts';
import type { Model } from './model.ts';
import { readByNestedGraph } from './rename.ts';
import type { NodeProto } from './schema.ts';
import { intAttribute, intsAttribute, readFloats, readIntegers } from './tensors.ts';

/** A Slice with this end or a larger one extends to the end of the tensor. */
const FAR = 2 ** 30;

/** Every other row and column of `source`, starting with these. */
interface Phase {
  readonly source: string;
  readonly row: number;
  readonly column: number;
}

interface Focus {
  readonly source: string;
  /** in channel order */
  readonly phases: readonly Phase[];
  readonly convolutions: readonly Convolution[];
}

interface Convolution {
  readonly node: NodeProto;
  /** [outputs, inputs, rows, columns] */
  readonly dims: readonly number[];
  readonly weights: Float32Array;
}

/**
 * Merges a Focus layer (YOLOv5, YOLOX: four slices of every other pixel, concatenated as channels) with each
 * convolution that reads it, in place: the tap (y, x) on the slice that begins at (row, column) is the tap (2
 * y + row, 2 x + column) on the image, with twice the stride and padding. The sums are the same, without
 * copying the image twice. Returns the number of Focus layers; 0 if nothing was changed.
 */
export function joinFocus(model: Model): number {
  const index = new GraphIndex(model);
  const found = model.graph.node
    .map((node) => focusOf(model, index, node))
    .filter((focus): focus is Focus => focus !== null);
  for (const focus of found) for (const convolution of focus.convolutions) widen(model, focus, convolution);
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
  const convolutions = index.readers(joined).map((node) => plainConvolution(index, node, joined));
  return convolutions.length > 0 && convolutions.every((convolution) => convolution !== null)
    ? { source, phases, convolutions }
    : null;
}

/** A convolution that reads all channels alike, with constant weights; null for any other node. */
function plainConvolution(index: GraphIndex, node: NodeProto, input: string): Convolution | null {
  const plain =
    node.opType === 'Conv' &&
    node.domain === '' &&
    node.input[0] === input &&
    intAttribute(node, 'group', 1) === 1 &&
    intsAttribute(node, 'dilations').every((step) => step === 1) &&
    node.attribute.every(({ name, s }) => name !== 'auto_pad' || new TextDecoder().decode(s) === 'NOTSET');
  const constant = plain ? index.constant(node.input[1]) : null;
  const weights = constant === null ? null : readFloats(constant);
  const dims = constant?.dims.map(Number) ?? [];
  return weights === null || dims.length !== 4 || (dims[1] ?? 0) % 4 !== 0 ? null : { node, dims, weights };
}

/** The phase that a tensor was sliced from, with steps of two along rows and columns; null if it was not. */
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

/** Start of a Slice by axis, if it takes every other row or column (from 0 or 1) up to the end. */
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

function widen(model: Model, { source, phases }: Focus, { node, dims, weights }: Convolution): void {
  const [outputs = 0, inputs = 0, rows = 0, columns = 0] = dims;
  const channels = inputs / 4;
  const values = new Float32Array(weights.length);
  weights.forEach((value, i) => {
    const x = i % columns;
    const y = Math.floor(i / columns) % rows;
    const input = Math.floor(i / (columns * rows)) % inputs;
    const output = Math.floor(i / (columns * rows * inputs));
    const { row = 0, column = 0 } = phases[Math.floor(input / channels)] ?? {};
    const kernel = output * channels + (input % channels);
    values[(kernel * 2 * rows + 2 * y + row) * 2 * columns + 2 * x + column] = value;
  });
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
