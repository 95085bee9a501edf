import { renderSample } from '../../sim/sample.ts';
import { SceneRenderer } from '../../sim/scene.ts';
import type { SourceImage } from '../references/store-image.ts';

/** Seed of the scenes, which no documented data set uses. */
const SEED = 970_001;
const WIDTH = 640;
const HEIGHT = 360;

/** Drawn streets, the same on every machine, for models that come without images of their domain. */
export function simulatedImages(count: number): SourceImage[] {
  const renderer = new SceneRenderer(WIDTH, HEIGHT);
  return Array.from({ length: count }, (_, index) => {
    const data = new Uint8Array(WIDTH * HEIGHT * 3);
    renderSample(renderer, SEED, index, {}, data);
    return { width: WIDTH, height: HEIGHT, encoding: 'rgb8', step: WIDTH * 3, data };
  });
}
