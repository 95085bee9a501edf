import { INSPECTION, testPictures } from '../../device/bundles/equivalence.ts';
import { differenceOf, type Equivalence } from '../../device/bundles/output-comparison.ts';
import type { GraphClaims } from '../../device/inference/graph-check.ts';
import type { InferenceInput } from '../../device/inference/engine.ts';
import { LetterboxedGraph } from '../../device/inference/letterboxed-graph.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import { readStored } from './detect-stored.ts';
import type { PictureStore } from './picture-store.ts';

/**
 * Runs two folded graphs on made-up pictures and on the first `most` of the store, through the runtime's own engine. Throws where they differ in the
 * shape of what they give.
 */
export async function compareFolded(
  before: Uint8Array,
  after: Uint8Array,
  claims: GraphClaims,
  store: PictureStore,
  most: number,
): Promise<Equivalence> {
  const graphs = [
    await LetterboxedGraph.load(before, claims, 1, INSPECTION),
    await LetterboxedGraph.load(after, claims, 1, INSPECTION),
  ] as const;
  let maxAbsolute = 0;
  let maxRelative = 0;
  let pictures = 0;
  const compare = async (pixels: Uint8Array<ArrayBuffer>): Promise<void> => {
    const input = asInput(pixels, claims);
    const expected = await graphs[0].run([input], 0, 1);
    const got = await graphs[1].run([input], 0, 1);
    expected.forEach(({ data }, i) => {
      const { absolute, relative } = differenceOf({ name: String(i), data }, got[i]);
      maxAbsolute = Math.max(maxAbsolute, absolute);
      maxRelative = Math.max(maxRelative, relative);
    });
    pictures += 1;
  };
  try {
    const size = { width: claims.inputWidth, height: claims.inputHeight };
    for (const picture of testPictures(size)) await compare(Uint8Array.from(picture));
    const images = Array.from({ length: Math.min(most, store.count) }, (_, index) => index);
    await readStored(store, images, compare);
  } finally {
    for (const graph of graphs) await graph.close();
  }
  return {
    maxAbsolute,
    maxRelative,
    maxRelativeOfValues: maxRelative,
    meanRelative: maxRelative,
    missing: 0,
    pictures,
    detections: null,
  };
}

/** Pixels that fill the whole input, as the engine takes them. */
export function asInput(pixels: Uint8Array<ArrayBuffer>, claims: GraphClaims): InferenceInput {
  const { inputWidth, inputHeight } = claims;
  const letterbox = letterboxFor(inputWidth, inputHeight, inputWidth, inputHeight, 'top-left');
  return { kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: inputWidth * 3 };
}
