/**
 * Exact linear assignment by shortest augmenting paths with dual potentials (Jonker and Volgenant 1987,
 * Crouse 2016). O(r^2 c) for r rows and c columns, r <= c. Scratch memory only ever grows.
 */
export class Assignment {
  #rowPotential = new Float64Array(0);
  #columnPotential = new Float64Array(0);
  /** least reduced cost of a path from the current row to each column */
  #distance = new Float64Array(0);
  /** the previous column on that path; `columns` means the start */
  #previous = new Int32Array(0);
  #done = new Uint8Array(0);
  /** row of each column, -1 if it is free; one more entry for the current row */
  #rowOf = new Int32Array(0);
  #transposed = new Float64Array(0);

  /**
   * Finds the assignment of min(rows, columns) pairs with the least sum of costs.
   *
   * @param cost finite, row by row, rows * columns values
   * @param columnOf receives the column of each row, -1 if a row has none; at least `rows` long
   */
  solve(cost: Float64Array, rows: number, columns: number, columnOf: Int32Array): void {
    columnOf.fill(-1, 0, rows);
    if (rows === 0 || columns === 0) return;
    if (rows <= columns) {
      this.#run(cost, rows, columns);
      for (let column = 0; column < columns; column++) {
        const row = this.#rowOf[column]!;
        if (row >= 0) columnOf[row] = column;
      }
      return;
    }
    if (this.#transposed.length < rows * columns) this.#transposed = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        this.#transposed[column * rows + row] = cost[row * columns + column]!;
      }
    }
    this.#run(this.#transposed, columns, rows);
    for (let row = 0; row < rows; row++) columnOf[row] = this.#rowOf[row]!;
  }

  #prepare(rows: number, columns: number): void {
    if (this.#rowPotential.length < rows) this.#rowPotential = new Float64Array(rows);
    if (this.#distance.length < columns + 1) {
      this.#columnPotential = new Float64Array(columns + 1);
      this.#distance = new Float64Array(columns + 1);
      this.#previous = new Int32Array(columns + 1);
      this.#done = new Uint8Array(columns + 1);
      this.#rowOf = new Int32Array(columns + 1);
    }
    this.#rowPotential.fill(0);
    this.#columnPotential.fill(0);
    this.#rowOf.fill(-1);
  }

  /** rows <= columns; leaves the result in `#rowOf` */
  #run(cost: Float64Array, rows: number, columns: number): void {
    this.#prepare(rows, columns);
    for (let row = 0; row < rows; row++) {
      let column = this.#shortestPath(cost, row, columns);
      // flip the path: each column on it takes the row of the previous column
      while (column !== columns) {
        const before = this.#previous[column]!;
        this.#rowOf[column] = this.#rowOf[before]!;
        column = before;
      }
    }
  }

  /** Dijkstra over reduced costs from `start` to the nearest free column; potentials are kept feasible on the way. */
  #shortestPath(cost: Float64Array, start: number, columns: number): number {
    const distance = this.#distance;
    const previous = this.#previous;
    const done = this.#done;
    const rowOf = this.#rowOf;
    const rowPotential = this.#rowPotential;
    const columnPotential = this.#columnPotential;
    distance.fill(Infinity);
    done.fill(0);
    rowOf[columns] = start;
    let column = columns;
    do {
      done[column] = 1;
      const row = rowOf[column]!;
      const rowStart = row * columns;
      let nearest = column;
      let step = Infinity;
      for (let next = 0; next < columns; next++) {
        if (done[next] === 1) continue;
        const reduced = cost[rowStart + next]! - rowPotential[row]! - columnPotential[next]!;
        if (reduced < distance[next]!) {
          distance[next] = reduced;
          previous[next] = column;
        }
        if (distance[next]! < step) {
          step = distance[next]!;
          nearest = next;
        }
      }
      for (let other = 0; other <= columns; other++) {
        if (done[other] === 1) {
          rowPotential[rowOf[other]!]! += step;
          columnPotential[other]! -= step;
        } else {
          distance[other]! -= step;
        }
      }
      column = nearest;
    } while (rowOf[column] !== -1);
    return column;
  }
}
