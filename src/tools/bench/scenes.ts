import { renderSample } from '../../sim/sample.ts';
import { SceneRenderer } from '../../sim/scene.ts';

/** Scenes that are drawn once and repeated, and their seed. */
export const SCENES = 8;
const SEED = 970_002;

/** Simulated scenes as tightly packed rgb8. */
export function drawScenes(width: number, height: number): Uint8Array<ArrayBuffer>[] {
  const renderer = new SceneRenderer(width, height);
  return Array.from({ length: SCENES }, (_, index) => {
    const pixels = new Uint8Array(width * height * 3);
    renderSample(renderer, SEED, index, {}, pixels);
    return pixels;
  });
}
