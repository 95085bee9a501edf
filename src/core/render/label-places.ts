/** A rectangle in pixels, y down. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A box that needs a label: its corners in pixels. */
export interface LabeledBox {
  readonly x1: number;
  readonly y1: number;
  readonly y2: number;
}

/**
 * Finds places for labels, first come first served, so that none covers another: above the box, inside at its
 * top, or below it. One instance serves one image.
 */
export class LabelPlaces {
  readonly #frame: { readonly width: number; readonly height: number };
  readonly #taken: Place[] = [];

  constructor(frame: { readonly width: number; readonly height: number }) {
    this.#frame = frame;
  }

  /** A place inside the image for a label of that size, or `null` if no room is left. */
  find({ x1, y1, y2 }: LabeledBox, width: number, height: number): Place | null {
    const left = within(x1, this.#frame.width - width);
    for (const preferred of [y1 - height, y1, y2]) {
      const top = within(preferred, this.#frame.height - height);
      const place = { left, top, width, height };
      if (this.#taken.some((other) => overlaps(place, other))) continue;
      this.#taken.push(place);
      return place;
    }
    return null;
  }
}

/** Clamps to 0..`most`; NaN becomes 0. */
function within(value: number, most: number): number {
  return Number.isNaN(value) ? 0 : Math.max(0, Math.min(value, most));
}

function overlaps(one: Place, other: Place): boolean {
  return (
    one.left < other.left + other.width &&
    other.left < one.left + one.width &&
    one.top < other.top + other.height &&
    other.top < one.top + one.height
  );
}
