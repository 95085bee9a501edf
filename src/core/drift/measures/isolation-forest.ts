import type { Random } from '../../random.ts';

const TREES = 100;
const MAX_SUBSAMPLE = 256;
const EULER = 0.577_215_664_901_532_9;

/** A tree as columns; node 0 is the root. */
export interface IsolationTree {
  /** children; -1 for a leaf */
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  /** what is compared: values up to the threshold go left */
  readonly feature: ArrayLike<number>;
  readonly threshold: ArrayLike<number>;
  /** points of the subsample that reached the node */
  readonly points: ArrayLike<number>;
}

/** Average length of an unsuccessful search among n points (Liu, Ting and Zhou 2008). */
function averagePath(n: number): number {
  if (n <= 1) return 0;
  if (n === 2) return 1;
  return 2 * (Math.log(n - 1) + EULER) - (2 * (n - 1)) / n;
}

/** Isolation forest by scikit-learn's definition: 100 trees of min(256, n) points, depth at most ceil(log2 of that). */
export class IsolationForest {
  readonly #trees: readonly IsolationTree[];
  readonly #normal: number;

  /** @param subsample points that each tree was grown from */
  constructor(trees: readonly IsolationTree[], subsample: number) {
    this.#trees = trees;
    this.#normal = averagePath(subsample);
  }

  /** @param rows at least two points of the same length, without NaN */
  static grow(rows: readonly ArrayLike<number>[], random: Random): IsolationForest {
    const subsample = Math.min(MAX_SUBSAMPLE, rows.length);
    const depth = Math.ceil(Math.log2(Math.max(subsample, 2)));
    const trees = Array.from({ length: TREES }, () => growTree(pick(rows, subsample, random), depth, random));
    return new IsolationForest(trees, subsample);
  }

  /** 2^(-mean path / average path): near 1 for a point that is isolated quickly, below 0.5 for one like the others. */
  score(row: ArrayLike<number>): number {
    const total = this.#trees.reduce((sum, tree) => sum + pathOf(tree, row), 0);
    return 2 ** (-total / this.#trees.length / this.#normal);
  }
}

function pathOf({ left, right, feature, threshold, points }: IsolationTree, row: ArrayLike<number>): number {
  let [node, depth] = [0, 0];
  while (left[node]! >= 0) {
    node = row[feature[node]!]! <= threshold[node]! ? left[node]! : right[node]!;
    depth += 1;
  }
  return depth + averagePath(points[node]!);
}

/** Without replacement. */
function pick<T>(rows: readonly T[], count: number, random: Random): T[] {
  const all = [...rows];
  for (let i = 0; i < count; i++) {
    const j = random.int(i, all.length - 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, count);
}

interface Columns {
  readonly left: number[];
  readonly right: number[];
  readonly feature: number[];
  readonly threshold: number[];
  readonly points: number[];
}

function growTree(rows: readonly ArrayLike<number>[], maxDepth: number, random: Random): IsolationTree {
  const tree: Columns = { left: [], right: [], feature: [], threshold: [], points: [] };
  growNode(tree, rows, maxDepth, random);
  return tree;
}

/** @returns the number of the node */
function growNode(tree: Columns, rows: readonly ArrayLike<number>[], depth: number, random: Random): number {
  const node = tree.points.push(rows.length) - 1;
  const split = depth > 0 && rows.length > 1 ? chooseSplit(rows, random) : null;
  tree.feature[node] = split?.feature ?? -1;
  tree.threshold[node] = split?.threshold ?? 0;
  tree.left[node] = -1;
  tree.right[node] = -1;
  if (split === null) return node;
  const isLeft = (row: ArrayLike<number>): boolean => row[split.feature]! <= split.threshold;
  tree.left[node] = growNode(tree, rows.filter(isLeft), depth - 1, random);
  tree.right[node] = growNode(
    tree,
    rows.filter((row) => !isLeft(row)),
    depth - 1,
    random,
  );
  return node;
}

/** One of the features that are not constant, and a threshold between its ends. */
function chooseSplit(rows: readonly ArrayLike<number>[], random: Random) {
  const ranges = Array.from({ length: rows[0]!.length }, (_, feature) => {
    const values = rows.map((row) => row[feature]!);
    return { feature, low: Math.min(...values), high: Math.max(...values) };
  }).filter(({ low, high }) => high > low);
  const [first, ...rest] = ranges;
  if (first === undefined) return null;
  const { feature, low, high } = random.pick([first, ...rest]);
  const threshold = random.range(low, high);
  return { feature, threshold: threshold === high ? low : threshold };
}
