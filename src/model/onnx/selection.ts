import { makeFloatTensor, makeNode, makeValueInfo } from './build.ts';
import { GraphIndex } from './graph-index.ts';
import { feedInputs, type Model } from './model.ts';
import { nestedGraphs, visitInputs } from './rename.ts';
import { DATA_TYPE, type GraphProto, type NodeProto } from './schema.ts';
import { readFloats } from './tensors.ts';

/**
 * Operators that select or sort boxes: rounding in their inputs may change which rows they return, and in
 * what order.
 */
const SELECTORS = new Set(['TopK', 'NonMaxSuppression', 'NonZero', 'EfficientNMS_TRT', 'Unique', 'ArgMax']);

/** Inputs of a node, including those of its loop and branch bodies. */
function inputsOf(node: NodeProto): readonly string[] {
  const names = [...node.input];
  for (const body of nestedGraphs(node)) visitInputs(body, (inputs) => names.push(...inputs));
  return names;
}

function hasSelectorInside(graph: GraphProto): boolean {
  return graph.node.some((node) => selects(node));
}

function selects(node: NodeProto): boolean {
  return SELECTORS.has(node.opType) || nestedGraphs(node).some(hasSelectorInside);
}

/**
 * Names of the tensors that a graph's selection of boxes (TopK, suppression, masks) starts from: computed
 * from the image, before any selection, and read by a selector or a node after one. Empty if the graph
 * selects nothing.
 */
export function beforeSelection({ graph }: Model): string[] {
  const computed = new Set(feedInputs(graph).map(({ name }) => name));
  const selected = new Set<string>();
  const found = new Set<string>();
  for (const node of graph.node) {
    const inputs = inputsOf(node);
    const after = selects(node) || inputs.some((name) => selected.has(name));
    if (after) for (const name of inputs) if (computed.has(name) && !selected.has(name)) found.add(name);
    if (!after && !inputs.some((name) => computed.has(name))) continue;
    for (const name of node.output) {
      computed.add(name);
      if (after) selected.add(name);
    }
  }
  for (const { name } of feedInputs(graph)) found.delete(name);
  return [...found];
}

/** Prefix of the outputs that `exposeTensors` adds. */
const EXPOSED = 'goshawk_exposed/';

/** Adds tensors of the graph to its outputs as float, in place. */
export function exposeTensors({ graph }: Model, names: readonly string[]): void {
  for (const name of names) {
    graph.node.push(makeNode('Cast', [name], [`${EXPOSED}${name}`], { to: DATA_TYPE.FLOAT }));
    graph.output.push(makeValueInfo(`${EXPOSED}${name}`, DATA_TYPE.FLOAT, null));
  }
}

export function isExposed(name: string): boolean {
  return name.startsWith(EXPOSED);
}

/** Score thresholds are constants between 0 and 1. */
function isThreshold(value: Float32Array | null): boolean {
  return value?.length === 1 && value[0]! > 0 && value[0]! < 1;
}

/**
 * Makes the selection of a graph accept every box with a score above 0, in place. If nothing passed the
 * graph's own threshold, the rest of its selection would not be tested.
 */
export function lowerThresholds(model: Model): void {
  const index = new GraphIndex(model);
  const zero = 'goshawk_lowest_threshold';
  const read = (name: string | undefined): Float32Array | null => {
    const constant = index.constant(name);
    return constant === null ? null : readFloats(constant);
  };
  const suppressors = model.graph.node.filter(({ opType }) => opType === 'NonMaxSuppression');
  const comparisons = model.graph.node.filter(
    ({ opType, input }) => opType.startsWith('Greater') && isThreshold(read(input[1])),
  );
  for (const node of suppressors) if (isThreshold(read(node.input[4]))) node.input[4] = `${zero}_list`;
  for (const node of comparisons) node.input[1] = zero;
  model.graph.initializer.push(makeFloatTensor(zero, [], [0]), makeFloatTensor(`${zero}_list`, [1], [0]));
}
