import { describeShapes } from './shapes.ts';

/** An output of a foreign graph, with its values for several images (the first of a batch). */
export interface SeenOutput {
  readonly name: string;
  /** sizes in the last run */
  readonly dims: readonly number[];
  /** true for an integer type */
  readonly integer: boolean;
  readonly runs: readonly Float32Array[];
}

/** Which outputs are boxes, scores and labels. */
export type OutputParts =
  | {
      /** one output: the box first, then its scores */
      readonly kind: 'single';
      readonly output: SeenOutput;
      readonly axes: 'rows' | 'channels';
    }
  | {
      /** `[rows, 7]`: image, box, class, score, as in YOLOv7 exports with suppression */
      readonly kind: 'flat';
      readonly output: SeenOutput;
    }
  | {
      /** boxes `[batch, N, 4]` and scores `[batch, N, C]`, or scores and labels `[batch, N]` */
      readonly kind: 'split';
      readonly boxes: SeenOutput;
      readonly scores: SeenOutput;
      readonly labels: SeenOutput | null;
      /** output with the number of rows in use */
      readonly count: SeenOutput | null;
    };

interface PartsFailure {
  readonly failure: string;
}

const shapesOf = (outputs: readonly SeenOutput[]): string => describeShapes(outputs);

const wholeNumbers = ({ integer, runs }: SeenOutput): boolean =>
  integer || runs.every((values) => values.every((value) => Number.isInteger(value)));

/** `[batch, N, 1]` is `[batch, N]` with one more dimension. */
const isList = ({ dims }: SeenOutput, rows: number): boolean =>
  dims[1] === rows && (dims.length === 2 || (dims.length === 3 && dims[2] === 1));

function splitParts(outputs: readonly SeenOutput[]): OutputParts | PartsFailure {
  const failure = { failure: `boxes, scores and labels cannot be told apart in ${shapesOf(outputs)}` };
  const four = outputs.filter(({ dims, integer }) => dims.length === 3 && dims[2] === 4 && !integer);
  const boxes = four.length > 1 ? four.find(({ name }) => /box|det|coord/i.test(name)) : four[0];
  if (boxes === undefined) return failure;
  const rows = boxes.dims[1]!;
  const others = outputs.filter((output) => output !== boxes);
  const count =
    others.find(({ dims, integer }) => integer && dims.slice(1).every((size) => size === 1) && rows !== 1) ??
    null;
  const rest = others.filter((output) => output !== count);
  const table = rest.find(({ dims }) => dims.length === 3 && dims[1] === rows && dims[2]! > 1);
  if (table !== undefined) {
    return rest.length === 1 ? { kind: 'split', boxes, scores: table, labels: null, count } : failure;
  }
  const lists = rest.filter((output) => isList(output, rows));
  if (lists.length !== 2 || rest.length !== 2) return failure;
  const labels = lists.find((output) => output.integer) ?? lists.find(wholeNumbers);
  const scores = lists.find((output) => output !== labels);
  if (labels === undefined || scores === undefined) return failure;
  return { kind: 'split', boxes, scores, labels, count };
}

/**
 * Determines what each output is. Outputs with five dimensions are the undecoded maps that some YOLOv5
 * exports add, and are ignored.
 * @param axesOf returns how an output `[batch, a, b]` is read
 */
export function partsOf(
  outputs: readonly SeenOutput[],
  axesOf: (dims: readonly number[]) => 'rows' | 'channels',
): OutputParts | PartsFailure {
  const found = outputs.filter(({ dims }) => dims.length !== 5);
  const [only, ...more] = found;
  if (only === undefined) return { failure: `there is no box in ${shapesOf(outputs)}` };
  if (found.some(({ dims }) => dims.length === 4)) {
    const what =
      outputs.length > 1 && found.some(({ dims }) => dims.length === 3)
        ? 'masks in addition to boxes'
        : 'maps';
    return {
      failure:
        `${shapesOf(outputs)} are ${what}: export a detector (no segmentation) with its boxes ` +
        'decoded in the graph',
    };
  }
  if (more.length > 0) return splitParts(found);
  if (only.dims.length === 3) return { kind: 'single', output: only, axes: axesOf(only.dims) };
  if (only.dims.length === 2 && only.dims[1] === 7) return { kind: 'flat', output: only };
  return { failure: `there are no boxes in ${shapesOf(outputs)}` };
}
