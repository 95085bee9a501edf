import { expect } from 'vitest';
import { join } from 'node:path';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { createDecoder } from '../../../src/core/heads/decoder.ts';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { claimsOf, type Bundle } from '../../../src/model/bundle.ts';
import { INSPECTION } from '../../../src/device/authoring/equivalence.ts';
import { LetterboxedGraph } from '../../../src/device/inference/letterboxed-graph.ts';
import { readRegularFile } from '../../../src/platform/regular-file.ts';

/** The runtime's detections in an image of the network's size (RGB rows), without suppression, best first. */
export async function runtimeBoxes(
  { manifest, folder }: Bundle,
  pixels: Uint8Array<ArrayBuffer>,
  { most = 500, scoreThreshold = 0.05 } = {},
): Promise<Detections> {
  const { width, height } = manifest.input;
  const bytes = await readRegularFile(join(folder, 'model.onnx'), 1e9);
  const claims = claimsOf(manifest);
  const graph = await LetterboxedGraph.load(bytes, claims, 1, INSPECTION);
  const letterbox = letterboxFor(width, height, width, height, 'top-left');
  const outputs = await graph.run(
    [{ kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: 3 * width }],
    0,
    1,
  );
  const found = createDetections(most);
  const decoder = createDecoder({
    head: manifest.head,
    classes: claims.labels,
    inputWidth: width,
    inputHeight: height,
    maxCandidates: Infinity,
  });
  const settings = { scoreThreshold, iouThreshold: 1, maxDetections: most };
  expect(decoder.decode(outputs, 0, letterbox, settings, found)).toBe('ok');
  await graph.close();
  return found;
}
