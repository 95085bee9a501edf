import type { BoxAgreement } from './box-agreement.ts';
import { ABSENT, BLOCK } from './frame-block.ts';
import { ImageStatistics } from './image-statistics.ts';
import { PatchSampler, type FramePixels } from './patch-sampler.ts';

/**
 * Measures one frame: its image as the network sees it, and what suppression did. Whoever measures frames uses it,
 * so the same input has the same values everywhere. Holds scratch memory: one instance serves one thread.
 */
export class FrameStatistics {
  readonly #patches = new PatchSampler();
  readonly #image = new ImageStatistics();

  /** @param block `BLOCK_FLOATS` values, all of which are written */
  measure(frame: FramePixels, agreement: BoxAgreement, block: Float32Array): void {
    this.#patches.sample(frame);
    this.#image.measure(this.#patches, block);
    const { isMeasured } = agreement;
    block[BLOCK.candidates] = isMeasured ? agreement.candidates : ABSENT;
    block[BLOCK.kept] = isMeasured ? agreement.kept : ABSENT;
    block[BLOCK.consistency] = isMeasured ? agreement.consistency : ABSENT;
    block[BLOCK.reliable] = isMeasured ? agreement.reliable : ABSENT;
    block[BLOCK.overlapping] = isMeasured ? agreement.overlapping : ABSENT;
    block[BLOCK.scored] = isMeasured ? agreement.scored : ABSENT;
    block[BLOCK.scores] = isMeasured ? agreement.scores : ABSENT;
  }
}
