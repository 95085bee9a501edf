import { gridCells, gridCellsP6 } from './grid.ts';
import { HEADS, type Head, type OutputShape } from './head.ts';

/** What is known of a graph besides its outputs. */
export interface GraphInput {
  /** network input, pixels */
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** number of labels that the model's owner gave, where there are any */
  readonly labels?: number;
}

export interface HeadMatch {
  readonly head: Head;
  /** classes of the graph; null where its shapes do not tell (`end2end` without labels) */
  readonly classes: number | null;
  /** candidate boxes of a picture; null where the graph leaves the number open */
  readonly candidates: number | null;
}

/** Why no head fits, in words for the person who gave the model. */
export interface HeadFailure {
  readonly failure: string;
}

type Fit = Omit<HeadMatch, 'head'>;

/** A size that the graph fixes; null where it is symbolic. */
function fixed(size: number | string | undefined): number | null {
  return typeof size === 'number' && size > 0 ? size : null;
}

/** `output [1, 3549, 85]`, for messages. */
export function describeShapes(shapes: readonly OutputShape[]): string {
  if (shapes.length === 0) return 'no output';
  return shapes.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
}

/** The candidates of a grid head: those the graph fixes, null where open, false where they are none of `expected`. */
function candidatesAmong(
  size: number | string | undefined,
  expected: readonly number[],
): number | null | false {
  const count = fixed(size);
  return count === null || expected.includes(count) ? count : false;
}

/** Rank-3 output with `extra + C` values in axis `valueAxis` and one of `expected` candidates in the other. */
function fitGrid(
  shapes: readonly OutputShape[],
  valueAxis: 1 | 2,
  extra: number,
  expected: readonly number[],
): Fit | null {
  const [shape, ...others] = shapes;
  if (shape?.dims.length !== 3 || others.length > 0) return null;
  const values = fixed(shape.dims[valueAxis]);
  const candidates = candidatesAmong(shape.dims[3 - valueAxis], expected);
  if (values === null || values <= extra || candidates === false) return null;
  return { classes: values - extra, candidates };
}

function fitEnd2End(shapes: readonly OutputShape[], input: GraphInput): Fit | null {
  const classes = input.labels ?? null;
  if (shapes.length === 1) {
    const dims = shapes[0]!.dims;
    return dims.length === 3 && dims[2] === 6 ? { classes, candidates: fixed(dims[1]) } : null;
  }
  if (shapes.length !== 4) return null;
  const [count, boxes, scores, classIds] = shapes.map(({ dims }) => dims);
  const boxesFit = boxes!.length === 3 && boxes![2] === 4;
  const restFits = count!.length === 2 && count![1] === 1 && scores!.length === 2 && classIds!.length === 2;
  return boxesFit && restFits ? { classes, candidates: fixed(boxes![1]) } : null;
}

function fit(head: Head, shapes: readonly OutputShape[], input: GraphInput): Fit | null {
  const cells = gridCells(input.inputWidth, input.inputHeight);
  const cellsP6 = gridCellsP6(input.inputWidth, input.inputHeight);
  switch (head) {
    case 'yolox':
      return fitGrid(shapes, 2, 5, [cells]);
    case 'yolov5':
      return fitGrid(shapes, 2, 5, [3 * cells, 3 * cellsP6]);
    case 'yolov8':
      return fitGrid(shapes, 1, 4, [cells, cellsP6]);
    case 'end2end':
      return fitEnd2End(shapes, input);
  }
}

function expectation(head: Head, { inputWidth, inputHeight, labels }: GraphInput): string {
  const cells = gridCells(inputWidth, inputHeight);
  const values = (extra: number): string =>
    labels === undefined ? `${extra} + classes` : String(extra + labels);
  switch (head) {
    case 'yolox':
      return `[batch, ${cells}, ${values(5)}]`;
    case 'yolov5':
      return `[batch, ${3 * cells}, ${values(5)}]`;
    case 'yolov8':
      return `[batch, ${values(4)}, ${cells}]`;
    case 'end2end':
      return '[batch, boxes, 6], or count, boxes, scores and classes';
  }
}

/** Heads whose shape the outputs have, labels left aside. */
function fittingHeads(shapes: readonly OutputShape[], input: GraphInput): HeadMatch[] {
  const matches: HeadMatch[] = [];
  for (const head of HEADS) {
    const found = fit(head, shapes, input);
    if (found !== null) matches.push({ head, ...found });
  }
  return matches;
}

function labelsFit(match: HeadMatch, input: GraphInput): boolean {
  return input.labels === undefined || match.classes === input.labels;
}

/** Of several heads, those that the graph's fixed sizes speak for: a known number of grid cells beats a bare `[.., 6]`. */
function mostSpecific(matches: readonly HeadMatch[]): readonly HeadMatch[] {
  const onGrid = matches.filter(({ head, candidates }) => head !== 'end2end' && candidates !== null);
  return onGrid.length > 0 ? onGrid : matches;
}

const named = (matches: readonly HeadMatch[]): string =>
  matches
    .map(({ head, classes }) => (classes === null ? head : `${head} with ${classes} classes`))
    .join(' or ');

/**
 * Tells the head from the shapes of a graph's outputs. yolox and yolov5 differ in the number of candidates (one or three for each grid cell), the
 * others in the order of axes. A head is named only where it is the one that fits; `labels`, where given, must be its classes.
 */
export function guessHead(shapes: readonly OutputShape[], input: GraphInput): HeadMatch | HeadFailure {
  const given = describeShapes(shapes);
  const size = `${input.inputWidth}x${input.inputHeight}`;
  const fitting = fittingHeads(shapes, input);
  if (fitting.length === 0) {
    const known = HEADS.map((head) => `${head} ${expectation(head, input)}`).join('; ');
    return { failure: `no head has the outputs ${given} for a ${size} input (known: ${known})` };
  }
  const agreeing = mostSpecific(fitting.filter((match) => labelsFit(match, input)));
  if (agreeing.length === 0) {
    return { failure: `the outputs ${given} fit ${named(fitting)}, but ${input.labels} labels were given` };
  }
  if (agreeing.length > 1) return { failure: `the outputs ${given} fit ${named(agreeing)}: give the head` };
  return agreeing[0]!;
}

/** Checks that a graph's outputs are what `head` gives, and that its classes are as many as the labels. */
export function checkHead(
  head: Head,
  shapes: readonly OutputShape[],
  input: GraphInput,
): HeadMatch | HeadFailure {
  const fitting = fittingHeads(shapes, input);
  const agreeing = mostSpecific(fitting.filter((match) => labelsFit(match, input)));
  const accepted = agreeing.find((match) => match.head === head);
  if (accepted !== undefined) return accepted;
  const own = mostSpecific(fitting).find((match) => match.head === head);
  const given = describeShapes(shapes);
  if (own !== undefined) {
    return {
      failure: `head ${head} with ${input.labels} labels, but the outputs ${given} hold ${own.classes} classes`,
    };
  }
  const size = `${input.inputWidth}x${input.inputHeight}`;
  const like = fitting.length === 0 ? 'no head that is known' : named(fitting);
  return {
    failure: `head ${head} gives ${expectation(head, input)} for a ${size} input, but the outputs are ${given}, as of ${like}`,
  };
}
