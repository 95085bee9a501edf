import type { SeenOutput } from '../../core/heads/output-parts.ts';
import { createRandom } from '../../core/random.ts';
import { GraphSession, makeFeed } from '../inference/session.ts';
import { INSPECTION, type InputSize } from './equivalence.ts';
import { inputDims, type NetworkInput } from '../../model/onnx/fold.ts';
import { readModel, writeModel } from '../../model/onnx/model.ts';
import { beforeSelection, lowerThresholds } from '../../model/onnx/selection.ts';

/** Number of single-color cells per side of the coarse images. */
const PATCHES = 6;

/**
 * Images that produce different values in every cell of any network: noise and patches, in 0..1 and in
 * 0..255, because the scale of pixels is not known yet. The same values serve as planes or rows, because the
 * content does not matter.
 */
function* evidenceImages({ width, height }: InputSize): Generator<Float32Array> {
  const random = createRandom(5);
  const noise = (): number => random.next();
  yield Float32Array.from({ length: 3 * width * height }, noise);
  for (const scale of [1, 255]) {
    const patches = Float32Array.from({ length: 3 * PATCHES * PATCHES }, () => scale * noise());
    yield Float32Array.from({ length: 3 * width * height }, (_, i) => {
      const column = Math.floor(((i % width) * PATCHES) / width);
      const row = Math.floor(((Math.floor(i / width) % height) * PATCHES) / height);
      return patches[(Math.floor(i / (width * height)) * PATCHES + row) * PATCHES + column]!;
    });
  }
}

/** The same graph with its own thresholds lowered, so that it outputs boxes; unchanged if it has none. */
function withBoxes(original: Uint8Array): Uint8Array {
  const model = readModel(original, 'graph');
  if (beforeSelection(model).length === 0) return original;
  lowerThresholds(model);
  return writeModel(model);
}

/**
 * Runs a foreign graph on several images and returns its outputs, for the first image of a batch. Rejects
 * with ONNX Runtime's error.
 */
export async function seeOutputs(
  original: Uint8Array,
  input: NetworkInput,
  size: InputSize,
): Promise<SeenOutput[]> {
  const session = await GraphSession.load(withBoxes(original), INSPECTION);
  try {
    const batch = input.batch ?? 1;
    const dims = inputDims(input, size, batch);
    const seen = new Map<string, { dims: readonly number[]; integer: boolean; runs: Float32Array[] }>();
    for (const image of evidenceImages(size)) {
      const values = new Float32Array(batch * image.length);
      for (let i = 0; i < batch; i += 1) values.set(image, i * image.length);
      for (const { name, data, dims: sizes } of await session.run({ [input.name]: makeFeed(values, dims) })) {
        const known = seen.get(name) ?? { dims: sizes, integer: false, runs: [] };
        const one = sizes[0] === batch ? data.length / batch : data.length;
        known.runs.push(Float32Array.from(data.subarray(0, one) as Iterable<number | bigint>, Number));
        seen.set(name, { ...known, dims: sizes, integer: !(data instanceof Float32Array) });
      }
    }
    return [...seen].map(([name, output]) => ({ name, ...output }));
  } finally {
    await session.close();
  }
}
