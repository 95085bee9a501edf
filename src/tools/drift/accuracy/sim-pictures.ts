import type { TruthBox } from '../../../core/evaluation/boxes.ts';
import { createRandom, mixSeeds } from '../../../core/random.ts';
import { CLEAR_DAY, type Conditions } from '../../../sim/drawing/conditions.ts';
import type { SceneObject } from '../../../sim/labels.ts';
import { SceneRenderer } from '../../../sim/scene.ts';
import { createWorld } from '../../../sim/world.ts';
import type { LabeledPictures } from './labeled-pictures.ts';

const WIDTH = 640;
const HEIGHT = 360;
/** frames per second of the sequences */
const RATE = 10;
/** streets that the emptiest and the most crowded are chosen from, and times at which their objects are counted */
const STREETS = 24;
const LOOKS = [0, 4, 8];

const NIGHT: Conditions = { ...CLEAR_DAY, light: 0.3 };

export interface SimPicturesOptions {
  readonly seed: number;
  /** streets of each mix, and frames of each street */
  readonly streets: number;
  readonly frames: number;
}

/** Sequences of simulated streets, four mixes: few objects and crowded, by day and at night. */
export function* simPictures(options: SimPicturesOptions): Generator<LabeledPictures> {
  const renderer = new SceneRenderer(WIDTH, HEIGHT);
  const ranked = rankStreets(renderer, options.seed);
  const few = ranked.slice(0, options.streets);
  const crowded = ranked.slice(-options.streets);
  yield sequences(renderer, 'few-day', few, CLEAR_DAY, options.frames);
  yield sequences(renderer, 'crowded-day', crowded, CLEAR_DAY, options.frames);
  yield sequences(renderer, 'few-night', few, NIGHT, options.frames);
  yield sequences(renderer, 'crowded-night', crowded, NIGHT, options.frames);
}

/** Seeds of streets, by how many objects they show. */
function rankStreets(renderer: SceneRenderer, seed: number): number[] {
  const random = createRandom(mixSeeds(seed, 0xacc));
  const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
  const counted = Array.from({ length: STREETS }, () => {
    const street = random.int(0, 2 ** 31);
    const world = createWorld(street);
    const counts = LOOKS.map((t) => renderer.render(world, t, CLEAR_DAY, rgb).length);
    return { street, count: counts.reduce((a, b) => a + b, 0) };
  });
  return counted.sort((a, b) => a.count - b.count).map(({ street }) => street);
}

function sequences(
  renderer: SceneRenderer,
  mix: string,
  streets: readonly number[],
  conditions: Conditions,
  frames: number,
): LabeledPictures {
  const worlds = streets.map(createWorld);
  const draw = (index: number, shown: Conditions) => {
    const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
    const objects = renderer.render(
      worlds[Math.floor(index / frames)]!,
      (index % frames) / RATE,
      shown,
      pixels,
    );
    return { image: { width: WIDTH, height: HEIGHT, pixels }, objects };
  };
  const count = streets.length * frames;
  const truths = Array.from({ length: count }, (_, image) =>
    draw(image, conditions).objects.map((object) => truthOf(object, image)),
  ).flat();
  return {
    mix,
    rate: RATE,
    starts: new Set(streets.map((_, i) => i * frames)),
    count,
    read: (index) => Promise.resolve(draw(index, conditions).image),
    truths,
    redraw: (index, change) => draw(index, change(conditions)).image,
  };
}

function truthOf({ classIndex, box: [x, y, right, bottom] }: SceneObject, image: number): TruthBox {
  const [width, height] = [right - x, bottom - y];
  return { image, classIndex, x, y, width, height, area: width * height, crowd: false };
}
