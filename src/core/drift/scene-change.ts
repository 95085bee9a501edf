import { ABSENT, PATCH_COUNT } from './frame-block.ts';

/** frames over which the change of a patch is averaged, about, and without which nothing is said of it */
const MEMORY_FRAMES = 64;
/** a patch is static if it changes less than this share of the median */
const STATIC_SHARE = 0.25;
/** gray levels; if the median patch changes less than this, a static one says nothing */
const MIN_MEDIAN = 2;

/**
 * Compares the patches of a camera's frames with those of the frame before. A patch that does not change while most
 * others do may be dirt on the lens, or a sky without clouds: it is evidence, which only a comparison with a reference
 * can weigh. Frames come in order.
 */
export class SceneChange {
  /** `motion` and `static_share` of the last frame, or `ABSENT` */
  motion = ABSENT;
  staticShare = ABSENT;
  readonly #before = new Float32Array(PATCH_COUNT);
  /** mean absolute change of each patch, gray levels */
  readonly #change = new Float32Array(PATCH_COUNT);
  readonly #sorted = new Float32Array(PATCH_COUNT);
  #frames = 0;

  /** @param patches mean luma of each, 0..255 */
  update(patches: Float32Array): void {
    if (this.#frames > 0) this.#compare(patches);
    this.#before.set(patches);
    this.#frames += 1;
    this.staticShare = this.#frames > MEMORY_FRAMES ? this.#weigh() : ABSENT;
  }

  #compare(patches: Float32Array): void {
    let shift = 0;
    for (let i = 0; i < PATCH_COUNT; i++) shift += patches[i]! - this.#before[i]!;
    shift /= PATCH_COUNT;
    const share = 1 / Math.min(this.#frames, MEMORY_FRAMES);
    let sum = 0;
    for (let i = 0; i < PATCH_COUNT; i++) {
      const change = patches[i]! - this.#before[i]!;
      sum += Math.abs(change - shift);
      this.#change[i]! += share * (Math.abs(change) - this.#change[i]!);
    }
    this.motion = sum / PATCH_COUNT / 255;
  }

  #weigh(): number {
    this.#sorted.set(this.#change);
    this.#sorted.sort();
    const median = this.#sorted[PATCH_COUNT / 2]!;
    if (!(median >= MIN_MEDIAN)) return ABSENT;
    let count = 0;
    for (const change of this.#change) if (change < STATIC_SHARE * median) count += 1;
    return count / PATCH_COUNT;
  }
}
