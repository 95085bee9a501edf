import { gridPlanFor } from './grid.ts';
import { HEADS, type Head, type OutputShape } from './head.ts';

/** What is known about a graph apart from its outputs. */
export interface GraphInput {
  /** network input, pixels */
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** number of labels supplied with the model, if any */
  readonly labels?: number;
}

export interface HeadMatch {
  readonly head: Head;
  /** classes of the graph; null if its shapes do not determine them (`end2end` without labels) */
  readonly classes: number | null;
  /** candidate boxes per image; null if the graph leaves the number open */
  readonly candidates: number | null;
}

/** Why no head fits, worded for the person who supplied the model. */
export interface HeadFailure {
  readonly failure: string;
}

type Fit = Omit<HeadMatch, 'head'>;

/** A size that the graph fixes; null if it is symbolic. */
function fixed(size: number | string | undefined): number | null {
  return typeof size === 'number' && size > 0 ? size : null;
}

/** `output [1, 3549, 85]`, for messages. */
export function describeShapes(shapes: readonly OutputShape[]): string {
  if (shapes.length === 0) return 'no output';
  return shapes.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
}

/** Rank-3 output with `extra + C` values in axis `valueAxis`, candidates in the other. */
function fitTable(shapes: readonly OutputShape[], valueAxis: 1 | 2, extra: number): Fit | null {
  const [shape, ...others] = shapes;
  if (shape?.dims.length !== 3 || others.length > 0) return null;
  const values = fixed(shape.dims[valueAxis]);
  if (values === null || values <= extra) return null;
  return { classes: values - extra, candidates: fixed(shape.dims[3 - valueAxis]) };
}

/** One row per cell of a known grid. */
function fitCells(shapes: readonly OutputShape[], { inputWidth, inputHeight }: GraphInput): Fit | null {
  const found = fitTable(shapes, 2, 5);
  if (found === null || found.candidates === null) return found;
  return gridPlanFor(inputWidth, inputHeight, found.candidates)?.anchors === 1 ? found : null;
}

function fitLabeled(shapes: readonly OutputShape[], { labels }: GraphInput): Fit | null {
  const [shape, ...others] = shapes;
  if (shape?.dims.length !== 3 || others.length > 0 || shape.dims[2] !== 6) return null;
  return { classes: labels ?? null, candidates: fixed(shape.dims[1]) };
}

function fitEnd2End(shapes: readonly OutputShape[], input: GraphInput): Fit | null {
  if (shapes.length !== 4) return fitLabeled(shapes, input);
  const [count, boxes, scores, classIds] = shapes.map(({ dims }) => dims);
  const boxesFit = boxes!.length === 3 && boxes![2] === 4;
  const restFits = count!.length === 2 && count![1] === 1 && scores!.length === 2 && classIds!.length === 2;
  return boxesFit && restFits ? { classes: input.labels ?? null, candidates: fixed(boxes![1]) } : null;
}

function fit(head: Head, shapes: readonly OutputShape[], input: GraphInput): Fit | null {
  switch (head) {
    case 'yolox':
      return fitCells(shapes, input);
    case 'yolov5':
      return fitTable(shapes, 2, 5);
    case 'yolov8':
      return fitTable(shapes, 1, 4);
    case 'detr':
      return fitTable(shapes, 2, 4);
    case 'labeled':
      return fitLabeled(shapes, input);
    case 'end2end':
      return fitEnd2End(shapes, input);
  }
}

function expectation(head: Head, { labels }: GraphInput): string {
  const values = (extra: number): string =>
    labels === undefined ? `${extra} + classes` : String(extra + labels);
  switch (head) {
    case 'yolox':
      return `[batch, cells of the grid, ${values(5)}]`;
    case 'yolov5':
      return `[batch, boxes, ${values(5)}]`;
    case 'yolov8':
      return `[batch, ${values(4)}, boxes]`;
    case 'detr':
      return `[batch, queries, ${values(4)}]`;
    case 'labeled':
      return '[batch, boxes, 6]';
    case 'end2end':
      return '[batch, boxes, 6], or count, boxes, scores and classes';
  }
}

/** Checks that a graph's outputs match `head`, and that it has as many classes as there are labels. */
export function checkHead(
  head: Head,
  shapes: readonly OutputShape[],
  input: GraphInput,
): HeadMatch | HeadFailure {
  const given = describeShapes(shapes);
  const found = fit(head, shapes, input);
  const agreeing = HEADS.filter((other) => {
    const like = other === head ? null : fit(other, shapes, input);
    return like !== null && (input.labels === undefined || like.classes === input.labels);
  });
  if (found !== null) {
    if (input.labels === undefined || found.classes === input.labels) return { head, ...found };
    const like = agreeing.length === 0 ? '' : `, which fits ${agreeing.join(' or ')}`;
    return {
      failure:
        `head ${head} with ${input.labels} labels, but the outputs ${given} have ` +
        `${found.classes} classes${like}`,
    };
  }
  const size = `${input.inputWidth}x${input.inputHeight}`;
  const like = agreeing.length === 0 ? 'no known head' : agreeing.join(' or ');
  return {
    failure:
      `head ${head} needs ${expectation(head, input)} for a ${size} input, but the outputs are ` +
      `${given}, which fits ${like}`,
  };
}
