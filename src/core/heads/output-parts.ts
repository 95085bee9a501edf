import { describeShapes } from './shapes.ts';

/** An output of a foreign graph, and what it gave for several images (the first of a batch). */
export interface SeenOutput {
  readonly name: string;
  /** sizes in the last run */
  readonly dims: readonly number[];
  /** whole numbers by its type */
  readonly integer: boolean;
  readonly runs: readonly Float32Array[];
}

/** Where boxes, scores and labels are among the outputs. */
export type OutputParts =
  | {
      /** one output: the box first, then what scores it */
      readonly kind: 'single';
      readonly output: SeenOutput;
      readonly axes: 'rows' | 'channels';
    }
  | {
      /** `[rows, 7]`: image, box, class, score, as YOLOv7 exports with suppression have it */
      readonly kind: 'flat';
      readonly output: SeenOutput;
    }
  | {
      /** boxes `[batch, N, 4]` and scores `[batch, N, C]`, or scores and labels `[batch, N]` */
      readonly kind: 'split';
      readonly boxes: SeenOutput;
      readonly scores: SeenOutput;
      readonly labels: SeenOutput | null;
      /** how many rows are in use */
      readonly count: SeenOutput | null;
    };

interface PartsFailure {
  readonly failure: string;
}

const shapesOf = (outputs: readonly SeenOutput[]): string => describeShapes(outputs);

const wholeNumbers = ({ integer, runs }: SeenOutput): boolean =>
  integer || runs.every((values) => values.every((value) => Number.isInteger(value)));

/** `[batch, N, 1]` is `[batch, N]` with a size more. */
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
 * Finds out which output is what. Outputs of five sizes are the undecoded maps that some YOLOv5 exports give
 * besides, and are passed over.
 * @param axesOf tells how one output of `[batch, a, b]` is to be read
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
      outputs.length > 1 && found.some(({ dims }) => dims.length === 3) ? 'masks besides boxes' : 'maps';
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
