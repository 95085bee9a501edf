import { gridPlanFor } from './grid.ts';
import { HEAD_TABLE, HEADS, valuesPerEntry, type Head } from './head-table.ts';
import type { OutputShape } from './head.ts';

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

/** The only output, of rank 3: values in one axis, candidates in the other. */
function fitEntries(head: Head, shapes: readonly OutputShape[], input: GraphInput): Fit | null {
  const { axes, scores, unit } = HEAD_TABLE[head];
  const [shape, ...others] = shapes;
  if (shape?.dims.length !== 3 || others.length > 0) return null;
  const valueAxis = axes === 'rows' ? 2 : 1;
  const values = fixed(shape.dims[valueAxis]);
  const candidates = fixed(shape.dims[3 - valueAxis]);
  if (values === null || values < valuesPerEntry(scores, 1)) return null;
  if (unit === 'cells' && candidates !== null) {
    const plan = gridPlanFor(input.inputWidth, input.inputHeight, candidates);
    if (plan?.anchors !== 1) return null;
  }
  if (scores !== 'label') return { classes: values - valuesPerEntry(scores, 0), candidates };
  return values === valuesPerEntry(scores, 0) ? { classes: input.labels ?? null, candidates } : null;
}

/** Count, boxes, scores and classes of EfficientNMS. */
function fitPlugin(shapes: readonly OutputShape[], { labels }: GraphInput): Fit | null {
  const [count, boxes, scores, classIds] = shapes.map(({ dims }) => dims);
  const boxesFit = boxes!.length === 3 && boxes![2] === 4;
  const restFits = count!.length === 2 && count![1] === 1 && scores!.length === 2 && classIds!.length === 2;
  return boxesFit && restFits ? { classes: labels ?? null, candidates: fixed(boxes![1]) } : null;
}

function fit(head: Head, shapes: readonly OutputShape[], input: GraphInput): Fit | null {
  const isPlugin = HEAD_TABLE[head].hasPluginForm && shapes.length === 4;
  return isPlugin ? fitPlugin(shapes, input) : fitEntries(head, shapes, input);
}

function expectation(head: Head, { labels }: GraphInput): string {
  const { axes, entries, hasPluginForm, scores } = HEAD_TABLE[head];
  const values =
    labels === undefined && scores !== 'label'
      ? `${valuesPerEntry(scores, 0)} + classes`
      : String(valuesPerEntry(scores, labels ?? 0));
  const sizes = axes === 'rows' ? [entries, values] : [values, entries];
  const plugin = hasPluginForm ? ', or count, boxes, scores and classes' : '';
  return `[batch, ${sizes.join(', ')}]${plugin}`;
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
