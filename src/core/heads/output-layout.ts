import { boxStatistics, FEWEST_ROWS, follows, gridSlopes, type BoxRuns } from './box-evidence.ts';
import { gridPlanFor } from './grid.ts';
import { HEAD_TABLE, HEADS, type BoxForm, type Head, type ScoreForm } from './head-table.ts';
import { HIGHEST_PROBABILITY, LOWEST_PROBABILITY } from './probability.ts';
import { partsOf, type OutputParts, type SeenOutput } from './output-parts.ts';
import { describeShapes } from './shapes.ts';

/** How the boxes of a foreign graph are laid out. */
export interface OutputLayout extends BoxForm {
  readonly parts: OutputParts;
  readonly scores: ScoreForm;
  /** scores are not yet probabilities */
  readonly logits: boolean;
  /** true if suppression already happened: each object appears once */
  readonly suppressed: boolean;
  /** rows per image; null if their number varies */
  readonly rows: number | null;
  /** null if the graph does not determine it */
  readonly classes: number | null;
  /** the objectness is the same everywhere, as in YOLOv6 */
  readonly constantObjectness: boolean;
  /** the last class means "nothing", and all probabilities add up to 1, as in DETR */
  readonly background: boolean;
}

/** What the user knows about a layout. The rest is found by running the graph. */
export interface LayoutHints {
  readonly head?: Head;
  readonly axes?: 'rows' | 'channels';
  readonly box?: OutputLayout['box'];
  readonly unit?: OutputLayout['unit'];
  readonly scores?: OutputLayout['scores'];
  readonly suppressed?: boolean;
  /** false: relative to the grid cell */
  readonly decoded?: boolean;
  /** true: the last class is "nothing" */
  readonly background?: boolean;
}

export interface LayoutInput {
  /** network input, pixels */
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** number of labels; null if none were given */
  readonly labels: number | null;
}

/** Why no layout fits, worded for the person who supplied the model. */
export interface LayoutFailure {
  readonly failure: string;
  /** number of classes of the graph, if only the number of labels does not fit */
  readonly classes?: number;
}

/** Query networks have hundreds of rows, grids have thousands. */
const MAX_QUERIES = 1000;

/** Normalized boxes may reach slightly beyond the image. */
const MAX_NORMALIZED = 2;

/** Minimum share of boxes with ordered corners. The rest is rounding at the border. */
const ORDERED = 0.995;

/** Tolerance for probabilities that add up to 1. */
const WHOLE = 1e-3;

function hintsOfHead(head: Head | undefined): LayoutHints {
  if (head === undefined) return {};
  const { axes, unit, box, scores, isSuppressed: suppressed } = HEAD_TABLE[head];
  // all else follows from the values, but boxes relative to their cells do not show what they are
  return unit === 'cells' ? { axes, unit, box, scores, suppressed } : { scores, suppressed };
}

/**
 * The head that reads this layout once the graph is adapted to it: the preferred one if it does, else the
 * first of the table.
 */
export function headOfLayout(
  { unit, scores, suppressed }: Pick<OutputLayout, 'unit' | 'scores' | 'suppressed'>,
  preferred?: Head,
): Head {
  const heads = preferred === undefined ? HEADS : [preferred, ...HEADS];
  const reads = (head: Head): boolean => {
    const row = HEAD_TABLE[head];
    const isInCells = row.unit === 'cells';
    return unit === 'cells' ? isInCells : !isInCells && row.scores === scores;
  };
  const fitting = heads.filter(reads);
  const best = fitting.find((head) => HEAD_TABLE[head].isSuppressed === suppressed) ?? fitting[0];
  if (best === undefined) throw new Error(`no head reads ${scores} in ${unit}`);
  return best;
}

/** Values of all images, row by row, regardless of the axis order. */
class Table {
  readonly columns: number;
  readonly runs: readonly Float32Array[];

  constructor({ dims, runs }: SeenOutput, axes: 'rows' | 'channels') {
    const transposed = axes === 'channels';
    this.columns = (transposed ? dims[1] : dims.length === 2 ? 1 : dims[2]) ?? 1;
    this.runs = transposed ? runs.map((values) => transpose(values, this.columns)) : runs;
  }

  rows(run: number): number {
    return (this.runs[run]?.length ?? 0) / this.columns;
  }

  at(run: number, row: number, column: number): number {
    return this.runs[run]![row * this.columns + column]!;
  }

  /** `count` columns from `first` on. */
  slice(first: number, count: number): Float32Array[] {
    return this.runs.map((values, run) => {
      const rows = this.rows(run);
      const part = new Float32Array(rows * count);
      for (let row = 0; row < rows; row += 1) {
        for (let c = 0; c < count; c += 1) part[row * count + c] = values[row * this.columns + first + c]!;
      }
      return part;
    });
  }

  every(column: number, holds: (value: number) => boolean): boolean {
    return this.runs.every((_, run) => {
      for (let row = 0; row < this.rows(run); row += 1) if (!holds(this.at(run, row, column))) return false;
      return true;
    });
  }

  /** True if the values of every row add up to 1. */
  addsUpToOne(): boolean {
    return this.runs.every((values, run) => {
      for (let row = 0; row < this.rows(run); row += 1) {
        let sum = 0;
        for (let c = 0; c < this.columns; c += 1) {
          const value = values[row * this.columns + c]!;
          if (!(value >= LOWEST_PROBABILITY)) return false;
          sum += value;
        }
        if (Math.abs(sum - 1) > WHOLE) return false;
      }
      return true;
    });
  }

  hasNegative(): boolean {
    return this.runs.some((values) => values.some((value) => value < LOWEST_PROBABILITY));
  }

  /** True if a column never rises from row to row, and falls somewhere. */
  falls(column: number): boolean {
    let fell = false;
    for (let run = 0; run < this.runs.length; run += 1) {
      for (let row = 1; row < this.rows(run); row += 1) {
        const step = this.at(run, row, column) - this.at(run, row - 1, column);
        if (step > 1e-6) return false;
        if (step < 0) fell = true;
      }
    }
    return fell;
  }
}

function transpose(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const turned = new Float32Array(values.length);
  for (let c = 0; c < columns; c += 1) {
    for (let row = 0; row < rows; row += 1) turned[row * columns + c] = values[c * rows + row]!;
  }
  return turned;
}

/**
 * The axis that holds the values of a box: the one that fits the labels, else the one next to a grid, else
 * the shorter one.
 */
function axesOf(dims: readonly number[], hints: LayoutHints, input: LayoutInput): 'rows' | 'channels' {
  if (hints.axes !== undefined) return hints.axes;
  const [, a = 0, b = 0] = dims;
  const onGrid = (rows: number): boolean => gridPlanFor(input.inputWidth, input.inputHeight, rows) !== null;
  const fits = (values: number): boolean =>
    input.labels !== null && (values === 4 + input.labels || values === 5 + input.labels);
  if (onGrid(a) !== onGrid(b)) return onGrid(a) ? 'rows' : 'channels';
  if (fits(a) !== fits(b)) return fits(b) ? 'rows' : 'channels';
  return b <= a ? 'rows' : 'channels';
}

interface Scored {
  readonly scores: OutputLayout['scores'];
  readonly classes: number | null;
}

/** The meaning of the values after the box. */
function scoresOf(
  rest: Table,
  anchors: number | null,
  rows: 'rows' | 'channels',
  hints: LayoutHints,
  labels: number | null,
): Scored | LayoutFailure {
  const { columns } = rest;
  const label =
    columns === 2 &&
    rest.every(1, Number.isInteger) &&
    !(labels === 2 && rest.every(1, (value) => value === 0));
  const options: Scored[] = [
    ...(label ? [{ scores: 'label' as const, classes: labels }] : []),
    { scores: 'objectness', classes: columns - 1 },
    { scores: 'classes', classes: columns },
  ];
  // channels-first outputs usually have no objectness, and three rows per cell always have one
  const customs = { objectness: rows === 'rows', classes: anchors !== 3, label: true };
  const wanted = options.filter(({ scores }) =>
    hints.scores === undefined ? customs[scores] : hints.scores === scores,
  );
  const fitting = wanted.find(({ classes }) => labels === null || classes === labels);
  if (fitting !== undefined) {
    if (labels !== null || fitting.scores !== 'objectness') return fitting;
    // the number of classes was not given: rows on a grid usually begin with an objectness
    return rows === 'rows' && anchors !== null && columns > 1
      ? fitting
      : { scores: 'classes', classes: columns };
  }
  const customary = rows === 'rows' && anchors !== null ? columns - 1 : columns;
  if (hints.scores !== undefined) {
    const needs =
      hints.scores === 'label'
        ? 'a score and a whole number'
        : hints.scores === 'objectness'
          ? `an objectness and ${labels ?? '?'} classes`
          : `${labels ?? '?'} classes`;
    return { failure: `has ${columns} values next to each box, not ${needs}`, classes: customary };
  }
  return {
    failure: `has ${columns} values next to each box, and ${labels} labels were given`,
    classes: customary,
  };
}

/**
 * Determines how a foreign graph lays out its boxes, from its outputs for several images and not from its
 * shapes alone: boxes that follow the grid of cells are positions or corners in pixels or in shares of the
 * input, a column of whole numbers is a label, scores that fall from row to row are sorted.
 */
export function describeLayout(
  outputs: readonly SeenOutput[],
  given: LayoutHints,
  input: LayoutInput,
): OutputLayout | LayoutFailure {
  const hints: LayoutHints = { ...hintsOfHead(given.head), ...given };
  const parts = partsOf(outputs, (dims) => axesOf(dims, hints, input));
  if ('failure' in parts) return parts;
  const named = describeShapes(outputs);
  if (parts.kind === 'flat') return flatLayout(parts, hints, input);
  const axes = parts.kind === 'single' ? parts.axes : 'rows';
  const boxTable = new Table(parts.kind === 'single' ? parts.output : parts.boxes, axes);
  if (
    boxTable.columns < (parts.kind === 'single' ? 6 : 4) &&
    !(parts.kind === 'single' && boxTable.columns === 5)
  ) {
    return { failure: `${named} has ${boxTable.columns} values per row: too few for a box and its scores` };
  }
  const boxes: BoxRuns = boxTable.slice(0, 4);
  const counts = new Set(boxes.map((run) => run.length / 4));
  const rows = counts.size === 1 ? boxes[0]!.length / 4 : null;
  const plan = rows === null ? null : gridPlanFor(input.inputWidth, input.inputHeight, rows);

  const isRows = parts.kind === 'single' && axes === 'rows';
  let scores: Scored | LayoutFailure;
  let scoreTable: Table;
  let background: boolean;
  if (parts.kind === 'split') {
    scoreTable = new Table(parts.scores, 'rows');
    background = parts.labels === null && hasBackground(scoreTable, rows, hints, input.labels);
    const classes = scoreTable.columns - (background ? 1 : 0);
    scores =
      parts.labels !== null ? { scores: 'label', classes: input.labels } : { scores: 'classes', classes };
    if (parts.labels === null && input.labels !== null && classes !== input.labels) {
      return { failure: `${named} has ${classes} classes, and ${input.labels} labels were given`, classes };
    }
  } else {
    const columns = boxTable.columns - 4;
    scoreTable = new Table(
      { name: '', integer: false, dims: [1, rows ?? 0, columns], runs: boxTable.slice(4, columns) },
      'rows',
    );
    background = plan === null && isRows && hasBackground(scoreTable, rows, hints, input.labels);
    scores = background
      ? { scores: 'classes', classes: columns - 1 }
      : scoresOf(scoreTable, plan?.anchors ?? null, axes, hints, input.labels);
    if ('failure' in scores) {
      const head = given.head === undefined ? '' : `head ${given.head} does not fit: `;
      return { ...scores, failure: `${head}${named} ${scores.failure}` };
    }
  }

  const probability = (value: number): boolean =>
    !(value < LOWEST_PROBABILITY || value > HIGHEST_PROBABILITY);
  const logits = scoreColumns(scoreTable, scores.scores).some(
    (column) => !scoreTable.every(column, probability),
  );
  const constantObjectness = scores.scores === 'objectness' && scoreTable.every(0, (value) => value === 1);
  const used = (run: number, row: number): boolean =>
    scores.scores !== 'label' || scoreTable.at(run, row, 0) > 0;

  const form = boxForm(boxes, plan, used, scores.scores, axes, hints, input);
  if ('failure' in form) return { failure: `${named}: ${form.failure}` };
  if (
    form.flat &&
    plan?.anchors === 1 &&
    scores.scores === 'classes' &&
    isRows &&
    plan.strides.length > 2 &&
    hints.scores === undefined
  ) {
    const classes = scoreTable.columns - 1;
    return {
      failure: `${named} looks like yolox with ${classes} classes, and ${input.labels} labels were given`,
      classes,
    };
  }
  const sorted = scores.scores === 'label' && scoreTable.falls(0);
  const suppressed =
    hints.suppressed ??
    (axes === 'channels' || scores.scores === 'objectness'
      ? false
      : rows === null || sorted || (rows <= MAX_QUERIES && (plan === null || form.flat)));
  const { box, unit } = form;
  return { parts, box, unit, ...scores, logits, suppressed, rows, constantObjectness, background };
}

/**
 * True if the last class means "nothing": there is one class more than labels, or probabilities add up to 1
 * in every row.
 */
function hasBackground(
  scores: Table,
  rows: number | null,
  hints: LayoutHints,
  labels: number | null,
): boolean {
  if (hints.background !== undefined) return hints.background;
  if (hints.scores !== undefined && hints.scores !== 'classes') return false;
  // larger tables are cells or anchors, whose background class, if any, comes first
  if (scores.columns < 2 || rows === null || rows > MAX_QUERIES) return false;
  const whole = scores.addsUpToOne();
  return labels === null ? whole : scores.columns === labels + 1 && (whole || scores.hasNegative());
}

/** Columns that contain scores: all except a label. */
function scoreColumns({ columns }: Table, scores: OutputLayout['scores']): number[] {
  return scores === 'label' ? [0] : Array.from({ length: columns }, (_, column) => column);
}

interface FoundForm extends BoxForm {
  /** true if nothing moves with the grid */
  readonly flat: boolean;
}

/** True for a head whose entries have an objectness. */
const hasObjectness = (head: Head | undefined): boolean =>
  head !== undefined && HEAD_TABLE[head].scores === 'objectness';

function boxForm(
  boxes: BoxRuns,
  plan: ReturnType<typeof gridPlanFor>,
  used: (run: number, row: number) => boolean,
  scores: OutputLayout['scores'],
  axes: 'rows' | 'channels',
  hints: LayoutHints,
  { inputWidth, inputHeight }: LayoutInput,
): FoundForm | LayoutFailure {
  const reported = { unit: hints.decoded === false ? ('cells' as const) : hints.unit };
  const pixel = [1, 1] as const;
  const share = [1 / inputWidth, 1 / inputHeight] as const;
  if (plan !== null) {
    const { first, second } = gridSlopes(boxes, plan, inputWidth, inputHeight);
    for (const [unit, expected] of [
      ['pixels', pixel],
      ['normalized', share],
    ] as const) {
      if (!follows(first, expected) || reported.unit === 'cells') continue;
      const box = follows(second, expected) ? 'corners' : 'centers';
      return { box: hints.box ?? box, unit: reported.unit ?? unit, flat: false };
    }
  }
  const flat = plan !== null;
  const relative =
    plan?.anchors === 1 && scores === 'objectness' && axes === 'rows' && hints.decoded !== true;
  if (reported.unit === 'cells' || (relative && reported.unit === undefined && hints.head === undefined)) {
    if (plan?.anchors !== 1)
      return { failure: 'boxes relative to their cells need one row per cell of the grid' };
    return { box: 'centers', unit: 'cells', flat };
  }
  if (relative && hasObjectness(hints.head) && reported.unit === undefined) {
    return {
      failure:
        `its boxes do not follow the grid like those of ${hints.head}: it looks like undecoded yolox ` +
        '(--decoded overrides this)',
    };
  }
  const { rows, largest, ordered, minOrdered } = boxStatistics(boxes, used);
  const known = rows >= FEWEST_ROWS;
  const unit = known && largest > 0 && largest <= MAX_NORMALIZED ? 'normalized' : 'pixels';
  // an image unlike the training data may swap corners in pixels; normalized boxes of query networks are
  // usually centers, and those of one image may all be large
  const inOrder = (unit === 'pixels' ? ordered : minOrdered) >= ORDERED;
  const corners = scores === 'label' ? !known || inOrder : known && inOrder;
  return { box: hints.box ?? (corners ? 'corners' : 'centers'), unit: reported.unit ?? unit, flat };
}

/** `[rows, 7]`: image, corners, class, score. */
function flatLayout(
  parts: OutputParts & { kind: 'flat' },
  hints: LayoutHints,
  input: LayoutInput,
): OutputLayout {
  const table = new Table({ ...parts.output, dims: [1, 0, 7] }, 'rows');
  const { rows, largest } = boxStatistics(table.slice(1, 4), () => true);
  const unit = rows >= FEWEST_ROWS && largest > 0 && largest <= MAX_NORMALIZED ? 'normalized' : 'pixels';
  return {
    parts,
    box: hints.box ?? 'corners',
    unit: hints.unit ?? unit,
    scores: 'label',
    logits: false,
    suppressed: true,
    rows: null,
    classes: input.labels,
    constantObjectness: false,
    background: false,
  };
}
