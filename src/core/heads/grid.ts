/** Strides of the feature maps in detectors of the YOLO family, the most common first. */
const STRIDE_SETS: readonly (readonly number[])[] = [
  [8, 16, 32],
  // P6 and P7: coarser maps for large inputs
  [8, 16, 32, 64],
  [8, 16, 32, 64, 128],
  // P2: a finer map for small objects
  [4, 8, 16, 32],
  [4, 8, 16],
  [4, 8, 16, 32, 64],
  // two maps, as the tiny networks have
  [16, 32],
  [8, 16],
];

/** How the rows of an output map to the image: stride by stride, and within a stride anchor by anchor. */
export interface GridPlan {
  readonly strides: readonly number[];
  /** boxes per cell, 1 or 3 */
  readonly anchors: number;
}

function cellsOf(width: number, height: number, strides: readonly number[]): number {
  let cells = 0;
  for (const stride of strides) cells += Math.floor(width / stride) * Math.floor(height / stride);
  return cells;
}

/** Number of cells over strides 8, 16 and 32 for an input size: 3549 for 416x416, 8400 for 640x640. */
export function gridCells(width: number, height: number): number {
  return cellsOf(width, height, [8, 16, 32]);
}

/** The cell counts that are possible for an input size, with their strides. */
function knownCells(width: number, height: number): { strides: readonly number[]; cells: number }[] {
  return STRIDE_SETS.map((strides) => ({ strides, cells: cellsOf(width, height, strides) }));
}

/** The grid with this number of rows; null if no known grid has it. */
export function gridPlanFor(width: number, height: number, rows: number): GridPlan | null {
  for (const anchors of [1, 3]) {
    for (const { strides, cells } of knownCells(width, height)) {
      if (cells > 0 && cells * anchors === rows) return { strides, anchors };
    }
  }
  return null;
}

/** Column, row and stride of each candidate in the order of YOLOX's output: stride by stride, row by row. */
export interface Grid {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly stride: Float32Array;
}

/** One entry per row of a plan, anchors included. */
export function createGrid(width: number, height: number, { strides, anchors }: GridPlan): Grid {
  const rows = cellsOf(width, height, strides) * anchors;
  const grid = { x: new Float32Array(rows), y: new Float32Array(rows), stride: new Float32Array(rows) };
  let at = 0;
  for (const stride of strides) {
    const columns = Math.floor(width / stride);
    const cells = columns * Math.floor(height / stride);
    for (let i = 0; i < cells * anchors; i++, at++) {
      grid.x[at] = i % columns;
      grid.y[at] = Math.floor((i % cells) / columns);
      grid.stride[at] = stride;
    }
  }
  return grid;
}
