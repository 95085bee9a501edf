/** Strides of the three feature maps that YOLO heads of the usual sizes have. */
export const STRIDES = [8, 16, 32] as const;

/** A fourth map that the `P6` variants of YOLOv5 and v8 add for large inputs. */
const P6_STRIDES = [...STRIDES, 64];

function cellsOf(width: number, height: number, strides: readonly number[]): number {
  let cells = 0;
  for (const stride of strides) cells += Math.floor(width / stride) * Math.floor(height / stride);
  return cells;
}

/** Grid cells over strides 8, 16 and 32 of an input of that size: 3549 for 416x416, 8400 for 640x640. */
export function gridCells(width: number, height: number): number {
  return cellsOf(width, height, STRIDES);
}

/** As `gridCells`, with stride 64 added. */
export function gridCellsP6(width: number, height: number): number {
  return cellsOf(width, height, P6_STRIDES);
}

/** Column, row and stride of each candidate in the order of YOLOX's output: stride by stride, row by row. */
export interface Grid {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly stride: Float32Array;
}

export function createGrid(width: number, height: number): Grid {
  const cells = gridCells(width, height);
  const grid = { x: new Float32Array(cells), y: new Float32Array(cells), stride: new Float32Array(cells) };
  let cell = 0;
  for (const stride of STRIDES) {
    const columns = Math.floor(width / stride);
    const rows = Math.floor(height / stride);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, cell++) {
        grid.x[cell] = column;
        grid.y[cell] = row;
        grid.stride[cell] = stride;
      }
    }
  }
  return grid;
}
