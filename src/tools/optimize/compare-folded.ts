import { INSPECTION, testImages } from '../../device/authoring/equivalence.ts';
import { readModel } from '../../model/onnx/model.ts';
import { beforeSelection } from '../../model/onnx/selection.ts';
import { finishedBy, OutputComparison, type Equivalence } from '../../device/authoring/output-comparison.ts';
import type { GraphClaims } from '../../model/bundle.ts';
import type { InferenceInput } from '../../device/inference/engine.ts';
import type { OutputValue } from '../../device/inference/session.ts';
import type { OutputTensor } from '../../core/heads/head.ts';
import { LetterboxedGraph } from '../../device/inference/letterboxed-graph.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import { readStored } from './detect-stored.ts';
import type { ImageStore } from './image-store.ts';

/**
 * Compares two folded graphs on synthetic images and on the first `most` of the store, with the runtime's own
 * engine: value by value, or by their detections if the graph itself selects boxes. Throws if the shapes of
 * their outputs differ.
 */
export async function compareFolded(
  before: Uint8Array,
  after: Uint8Array,
  claims: GraphClaims,
  store: ImageStore,
  most: number,
): Promise<Equivalence> {
  const graphs = [
    await LetterboxedGraph.load(before, claims, 1, INSPECTION),
    await LetterboxedGraph.load(after, claims, 1, INSPECTION),
  ] as const;
  const size = { width: claims.inputWidth, height: claims.inputHeight };
  // a graph that sorts boxes may swap two with the same score
  const selects = beforeSelection(readModel(before, 'before')).length > 0;
  const total = new OutputComparison(selects ? finishedBy(claims.head, claims.labels) : null, size);
  const compare = async (pixels: Uint8Array<ArrayBuffer>): Promise<void> => {
    const input = asInput(pixels, claims);
    const [expected, got] = [await graphs[0].run([input], 0, 1), await graphs[1].run([input], 0, 1)];
    total.add(named(expected), named(got));
  };
  try {
    for (const image of testImages(size)) await compare(Uint8Array.from(image));
    const images = Array.from({ length: Math.min(most, store.count) }, (_, index) => index);
    await readStored(store, images, compare);
  } finally {
    for (const graph of graphs) await graph.close();
  }
  return total.result();
}

function named(outputs: readonly OutputTensor[]): OutputValue[] {
  return outputs.map(({ data, dims }, i) => ({ name: String(i), data, dims }));
}

/** Pixels that fill the whole input, in the form that the engine takes. */
export function asInput(pixels: Uint8Array<ArrayBuffer>, claims: GraphClaims): InferenceInput {
  const { inputWidth, inputHeight } = claims;
  const letterbox = letterboxFor(inputWidth, inputHeight, inputWidth, inputHeight, 'top-left');
  return { kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: inputWidth * 3 };
}
