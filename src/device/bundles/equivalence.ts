import { createRandom } from '../../core/random.ts';
import { CLEAR_DAY } from '../../core/scene/conditions.ts';
import { renderSample } from '../../core/scene/sample.ts';
import { MAX_SIZE, MIN_SIZE, SceneRenderer } from '../../core/scene/scene.ts';
import { GraphSession, makeFeed, type SessionOptions } from '../inference/session.ts';
import type { NetworkInput, Normalization } from './onnx/fold.ts';
import { readModel, writeModel } from './onnx/model.ts';
import { beforeSelection, exposeTensors, lowerThresholds } from './onnx/selection.ts';
import { OutputComparison, type Equivalence, type FinishedOutputs } from './output-comparison.ts';

/** Plain settings for looking at a graph: what the CPU provider computes, one thread; what fails is told by whoever looks. */
export const INSPECTION: SessionOptions = { provider: 'cpu', threads: 1, spinning: false, quiet: true };

/** Street scenes among the test pictures of a graph that selects boxes itself. */
const DRAWN_PICTURES = 3;

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What the original network expects for a uint8 RGB picture: float planes or rows, ordered and normalized by plain arithmetic. */
export function networkValues(
  picture: Uint8Array,
  { width, height }: PictureSize,
  layout: NetworkInput['layout'],
  { colorOrder, scale, mean, std }: Normalization,
): Float32Array {
  const plane = width * height;
  const values = new Float32Array(plane * 3);
  for (let pixel = 0; pixel < plane; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const source = colorOrder === 'bgr' ? 2 - channel : channel;
      const value = ((picture[pixel * 3 + source] ?? 0) * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
      values[layout === 'nchw' ? channel * plane + pixel : pixel * 3 + channel] = value;
    }
  }
  return values;
}

/** Pictures that would show a mistake: noise, black, white, one channel only, ramps that differ along each axis. */
export function* testPictures({ width, height }: PictureSize): Generator<Uint8Array> {
  const bytes = width * height * 3;
  const random = createRandom(1);
  yield Uint8Array.from({ length: bytes }, () => random.int(0, 255));
  yield new Uint8Array(bytes);
  yield new Uint8Array(bytes).fill(255);
  yield Uint8Array.from({ length: bytes }, (_, i) => (i % 3 === 0 ? 255 : 0));
  yield Uint8Array.from({ length: bytes }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    return i % 3 === 0 ? x % 256 : i % 3 === 1 ? y % 256 : (x + y) % 256;
  });
}

/** Scenes with people and vehicles, in which a detector of the street finds something; none for sizes that are not drawn. */
function* drawnPictures({ width, height }: PictureSize): Generator<Uint8Array> {
  if (Math.min(width, height) < MIN_SIZE || Math.max(width, height) > MAX_SIZE) return;
  const renderer = new SceneRenderer(width, height);
  for (let scene = 0; scene < DRAWN_PICTURES; scene += 1) {
    const pixels = new Uint8Array(width * height * 3);
    renderSample(renderer, 1, scene, CLEAR_DAY, pixels);
    yield pixels;
  }
}

/**
 * Runs the original and the folded graph on the same pictures. Values are compared one by one; where the graph sorts or suppresses boxes itself,
 * a rounding may exchange rows, so the values that its selection starts from are compared, and then the detections above the lowest score kept.
 * Throws where the two differ in the shape of what they give.
 */
export async function compareGraphs(
  original: Uint8Array,
  folded: Uint8Array,
  input: NetworkInput,
  size: PictureSize,
  normalization: Normalization,
  finished: FinishedOutputs | null = null,
): Promise<Equivalence> {
  const names = finished === null ? [] : beforeSelection(readModel(original, 'original'));
  if (finished === null || names.length === 0) {
    return compareOn(testPictures(size), original, folded, input, size, normalization, null);
  }
  const [before, after] = [original, folded].map((bytes) => withExposed(bytes, names, false));
  const pictures = function* (): Generator<Uint8Array> {
    yield* testPictures(size);
    yield* drawnPictures(size);
  };
  const compared = await compareOn(pictures(), before!, after!, input, size, normalization, finished);
  if (compared.detections !== 0) return compared;
  // nothing passes its own threshold: the same graphs with a lower one show what the selection does
  const [low, lowFolded] = [original, folded].map((bytes) => withExposed(bytes, names, true));
  const lowered = await compareOn(pictures(), low!, lowFolded!, input, size, normalization, finished).catch(
    () => compared,
  );
  return {
    maxAbsolute: Math.max(compared.maxAbsolute, lowered.maxAbsolute),
    maxRelative: Math.max(compared.maxRelative, lowered.maxRelative),
    pictures: compared.pictures,
    detections: lowered.detections,
  };
}

function withExposed(bytes: Uint8Array, names: readonly string[], lower: boolean): Uint8Array {
  const model = readModel(bytes, 'graph to compare');
  exposeTensors(model, names);
  if (lower) lowerThresholds(model);
  return writeModel(model);
}

async function compareOn(
  pictures: Iterable<Uint8Array>,
  original: Uint8Array,
  folded: Uint8Array,
  input: NetworkInput,
  size: PictureSize,
  normalization: Normalization,
  finished: FinishedOutputs | null,
): Promise<Equivalence> {
  const before = await GraphSession.load(original, INSPECTION);
  const after = await GraphSession.load(folded, INSPECTION);
  const batch = input.batch ?? 1;
  const dims =
    input.layout === 'nchw' ? [batch, 3, size.height, size.width] : [batch, size.height, size.width, 3];
  const total = new OutputComparison(finished, size);
  try {
    for (const picture of pictures) {
      const values = networkValues(picture, size, input.layout, normalization);
      const expected = await before.run({ [input.name]: makeFeed(repeat(values, batch), dims) });
      const name = after.inputs[0]?.name ?? '';
      const got = await after.run({
        [name]: makeFeed(repeat(picture, batch), [batch, size.height, size.width, 3]),
      });
      total.add(expected, got);
    }
  } finally {
    await before.close();
    await after.close();
  }
  return total.result();
}

function repeat<T extends Float32Array | Uint8Array>(values: T, times: number): T {
  if (times === 1) return values;
  const all = new (values.constructor as new (length: number) => T)(values.length * times);
  for (let i = 0; i < times; i += 1) all.set(values, i * values.length);
  return all;
}
