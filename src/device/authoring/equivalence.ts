import { GoshawkError } from '../../contract/errors.ts';
import { createRandom } from '../../core/random.ts';
import { CLEAR_DAY } from '../../sim/drawing/conditions.ts';
import { renderSample } from '../../sim/sample.ts';
import { MAX_SIZE, MIN_SIZE, SceneRenderer } from '../../sim/scene.ts';
import { GraphSession, makeFeed, type SessionOptions } from '../inference/session.ts';
import { inputDims, type NetworkInput, type Normalization } from '../../model/onnx/fold.ts';
import { readModel, writeModel } from '../../model/onnx/model.ts';
import { beforeSelection, exposeTensors, lowerThresholds } from '../../model/onnx/selection.ts';
import { OutputComparison, TIES, type Equivalence, type FinishedOutputs } from './output-comparison.ts';

/**
 * Settings for inspecting a graph: the CPU provider with one thread, quiet because the caller reports
 * failures.
 */
export const INSPECTION: SessionOptions = { provider: 'cpu', threads: 1, quiet: true };

/** Number of street scenes among the test images of a graph that itself selects boxes. */
const DRAWN_PICTURES = 3;

export interface InputSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The input that the original network expects for a uint8 RGB image: float planes or rows, ordered and
 * normalized in plain arithmetic.
 */
export function networkValues(
  image: Uint8Array,
  { width, height }: InputSize,
  layout: NetworkInput['layout'],
  { colorOrder, scale, mean, std }: Normalization,
): Float32Array {
  const plane = width * height;
  const values = new Float32Array(plane * 3);
  for (let pixel = 0; pixel < plane; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const source = colorOrder === 'bgr' ? 2 - channel : channel;
      const value = ((image[pixel * 3 + source] ?? 0) * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
      values[layout === 'nchw' ? channel * plane + pixel : pixel * 3 + channel] = value;
    }
  }
  return values;
}

/** Images that reveal mistakes: noise, black, white, single channels, ramps that differ along each axis. */
export function* testImages({ width, height }: InputSize): Generator<Uint8Array> {
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

/**
 * Scenes with people and vehicles, in which a street detector finds something; none for sizes that cannot be
 * drawn.
 */
function* drawnImages({ width, height }: InputSize): Generator<Uint8Array> {
  if (Math.min(width, height) < MIN_SIZE || Math.max(width, height) > MAX_SIZE) return;
  const renderer = new SceneRenderer(width, height);
  for (let scene = 0; scene < DRAWN_PICTURES; scene += 1) {
    const pixels = new Uint8Array(width * height * 3);
    renderSample(renderer, 1, scene, CLEAR_DAY, pixels);
    yield pixels;
  }
}

/** How to feed and read two graphs for a comparison. */
export interface Asked {
  readonly input: NetworkInput;
  readonly size: InputSize;
  readonly normalization: Normalization;
  /** relative rounding of the numbers that the graph computes with; that of float by default */
  readonly rounding?: number;
  /** how to read outputs that the graph may have selected; null for rows with fixed places */
  readonly finished?: FinishedOutputs | null;
}

/**
 * Runs the original and the folded graph on the same images. Values are compared one by one. If the graph
 * sorts or suppresses boxes, rounding may swap rows, so the values before its selection are compared, and
 * then the detections above the lowest score kept. Throws if the shapes of their outputs differ.
 */
export function compareGraphs(original: Uint8Array, folded: Uint8Array, asked: Asked): Promise<Equivalence> {
  return compareAsked(original, folded, asked);
}

/**
 * How far the outputs of a graph move if its input moves by a rounding. Folding may change as much, because
 * it rounds in other places. Expressed like the difference of two graphs in `compareGraphs`.
 */
export function measureSensitivity(original: Uint8Array, asked: Asked): Promise<Equivalence> {
  return compareAsked(original, null, asked);
}

/** Relative distance of neighboring numbers. */
export const ROUNDING = { fp32: 2 ** -23, fp16: 2 ** -10 } as const;

/** Folding rounds in about as many places as the nudged input does, but not in the same ones. */
const SENSITIVITY_SLACK = 3;

/**
 * Mean difference beyond which rounding cannot be distinguished from a mistake, however sensitive a network
 * is.
 */
const MAX_MEAN_DIFFERENCE = 0.01;

/**
 * Throws GOSHAWK_INTERNAL if two graphs differ by more than rounding explains: by more than `tolerance`, and
 * by more than a rounding of the input causes. Returns a note if only the latter explains the difference.
 */
export async function checkEquivalence(
  found: Equivalence,
  tolerance: number,
  file: string,
  sensitivity: () => Promise<Equivalence>,
): Promise<string[]> {
  if (found.maxRelative <= tolerance) return [];
  const own = await sensitivity();
  const isRounding =
    found.maxRelativeOfValues <= Math.max(tolerance, SENSITIVITY_SLACK * own.maxRelativeOfValues) &&
    found.meanRelative <= Math.min(MAX_MEAN_DIFFERENCE, SENSITIVITY_SLACK * own.meanRelative);
  const missing = Math.max(TIES * (found.detections ?? 0), SENSITIVITY_SLACK * own.missing);
  if (!isRounding || found.missing > missing) {
    const by = found.missing > missing ? 'the detections differ' : `by ${found.maxAbsolute}`;
    throw new GoshawkError('GOSHAWK_INTERNAL', {
      reason: `folding changed what ${file} computes, ${by}: nothing was written`,
    });
  }
  return [
    'the network is sensitive to rounding: a rounding of its input moves its values by ' +
      `${own.maxRelativeOfValues.toExponential(1)} of their size, folding by ` +
      `${found.maxRelativeOfValues.toExponential(1)}`,
  ];
}

/** @param folded null: the original again, with a nudged input */
async function compareAsked(
  original: Uint8Array,
  folded: Uint8Array | null,
  asked: Asked,
): Promise<Equivalence> {
  const { size, finished = null } = asked;
  const names = finished === null ? [] : beforeSelection(readModel(original, 'original'));
  if (finished === null || names.length === 0) {
    return compareOn(testImages(size), original, folded, { ...asked, finished: null });
  }
  const exposed = (lower: boolean) =>
    [
      withExposed(original, names, lower),
      folded === null ? null : withExposed(folded, names, lower),
    ] as const;
  const pictures = function* (): Generator<Uint8Array> {
    yield* testImages(size);
    yield* drawnImages(size);
  };
  const compared = await compareOn(pictures(), ...exposed(false), asked);
  if (compared.detections !== 0) return compared;
  // nothing passes its own threshold: the same graphs with a lower one show the effect of the selection
  const lowered = await compareOn(pictures(), ...exposed(true), asked).catch(() => compared);
  return {
    maxAbsolute: Math.max(compared.maxAbsolute, lowered.maxAbsolute),
    maxRelative: Math.max(compared.maxRelative, lowered.maxRelative),
    maxRelativeOfValues: Math.max(compared.maxRelativeOfValues, lowered.maxRelativeOfValues),
    meanRelative: Math.max(compared.meanRelative, lowered.meanRelative),
    missing: compared.missing + lowered.missing,
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
  folded: Uint8Array | null,
  { input, size, normalization, rounding = ROUNDING.fp32, finished = null }: Asked,
): Promise<Equivalence> {
  const before = await GraphSession.load(original, INSPECTION);
  const after = folded === null ? before : await GraphSession.load(folded, INSPECTION);
  const batch = input.batch ?? 1;
  const dims = inputDims(input, size, batch);
  const total = new OutputComparison(finished, size);
  try {
    for (const image of pictures) {
      const values = networkValues(image, size, input.layout, normalization);
      const expected = await before.run({ [input.name]: makeFeed(repeat(values, batch), dims) });
      const name = after.inputs[0]?.name ?? '';
      const got = await after.run({
        [name]:
          folded === null
            ? makeFeed(repeat(nudge(values, rounding), batch), dims)
            : makeFeed(repeat(image, batch), [batch, size.height, size.width, 3]),
      });
      total.add(expected, got);
    }
  } finally {
    await before.close();
    if (after !== before) await after.close();
  }
  return total.result();
}

/** Each value moved by about a rounding, up or down at random. */
function nudge(values: Float32Array, rounding: number): Float32Array {
  const random = createRandom(9);
  return values.map((value) => value * (1 + (random.next() < 0.5 ? -1 : 1) * rounding));
}

function repeat<T extends Float32Array | Uint8Array>(values: T, times: number): T {
  if (times === 1) return values;
  const all = new (values.constructor as new (length: number) => T)(values.length * times);
  for (let i = 0; i < times; i += 1) all.set(values, i * values.length);
  return all;
}
