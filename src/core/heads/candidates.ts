/**
 * Boxes of one picture that passed the score threshold, in network pixels, before suppression. A struct of arrays that is
 * filled again for every picture and only ever grows.
 */
export interface Candidates {
  count: number;
  /** x1, y1, x2, y2 for entry i at 4 * i */
  boxes: Float32Array;
  scores: Float32Array;
  classes: Uint16Array;
}

export function createCandidates(capacity: number): Candidates {
  return {
    count: 0,
    boxes: new Float32Array(capacity * 4),
    scores: new Float32Array(capacity),
    classes: new Uint16Array(capacity),
  };
}

/** Empties the set and makes room for `capacity` entries; allocates only where it never held as many. */
export function resetCandidates(candidates: Candidates, capacity: number): void {
  candidates.count = 0;
  if (candidates.scores.length >= capacity) return;
  candidates.boxes = new Float32Array(capacity * 4);
  candidates.scores = new Float32Array(capacity);
  candidates.classes = new Uint16Array(capacity);
}

/**
 * Appends a box given by its corners. False where a coordinate is NaN or infinite; the caller made room with
 * `resetCandidates`.
 */
export function addCorners(
  candidates: Candidates,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  score: number,
  classIndex: number,
): boolean {
  if (!Number.isFinite(x1 + y1 + x2 + y2)) return false;
  const entry = candidates.count++;
  const at = 4 * entry;
  candidates.boxes[at] = x1;
  candidates.boxes[at + 1] = y1;
  candidates.boxes[at + 2] = x2;
  candidates.boxes[at + 3] = y2;
  candidates.scores[entry] = score;
  candidates.classes[entry] = classIndex;
  return true;
}

/** `addCorners` for a box given by center and size. */
export function addCentered(
  candidates: Candidates,
  x: number,
  y: number,
  width: number,
  height: number,
  score: number,
  classIndex: number,
): boolean {
  const halfWidth = width / 2;
  const halfHeight = height / 2;
  return addCorners(
    candidates,
    x - halfWidth,
    y - halfHeight,
    x + halfWidth,
    y + halfHeight,
    score,
    classIndex,
  );
}
