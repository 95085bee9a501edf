import { unchecked, type ReferenceCheck } from '../../contract/engine-choice.ts';
import { createCandidateReader } from '../../core/heads/decoder.ts';
import { HEAD_TABLE } from '../../core/heads/head-table.ts';
import type { OutputTensor } from '../../core/heads/head.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import { deviationFrom } from '../../core/references/deviation.ts';
import { swapRedAndBlue } from '../../core/references/synthetic.ts';
import type { InferenceInput } from './engine.ts';
import type { ModelRequest } from './runner-messages.ts';

/** How a graph takes an image of the network's size: as is, or as a camera frame of that size. */
export type ReferenceEntry = 'letterboxed' | 'rgb8' | 'bgr8';

type Request = Pick<ModelRequest, 'head' | 'labels' | 'inputWidth' | 'inputHeight' | 'reference'>;

/** Inputs that are run regardless of time: an image and noise. */
const MIN_INPUTS = 2;

/** An image of the network's size as a graph input. Its pixels are not transferred. */
export function referenceInput(
  pixels: Uint8Array<ArrayBuffer>,
  { inputWidth, inputHeight }: Pick<Request, 'inputWidth' | 'inputHeight'>,
  entry: ReferenceEntry,
): InferenceInput {
  return {
    kind: entry === 'letterboxed' ? 'letterboxed' : 'raw',
    pixels: entry === 'bgr8' ? swapRedAndBlue(pixels) : pixels,
    letterbox: letterboxFor(inputWidth, inputHeight, inputWidth, inputHeight, 'top-left'),
    encoding: entry === 'bgr8' ? 'bgr8' : 'rgb8',
    step: inputWidth * 3,
  };
}

/** Runs the reference inputs and compares the outputs with the stored ones. Rejects only if a run fails. */
export async function checkReference(
  request: Request,
  entry: ReferenceEntry,
  run: (input: InferenceInput) => Promise<OutputTensor[]>,
): Promise<ReferenceCheck> {
  const { reference } = request;
  if (reference.kind === 'unchecked') return unchecked(reference.why);
  const { tolerance, budgetMs } = reference;
  const { head, labels: classes, inputWidth, inputHeight } = request;
  const read = createCandidateReader({ head, classes, inputWidth, inputHeight });
  let scores = 0;
  let boxes = 0;
  const started = performance.now();
  let inputs = 0;
  for (const [index, pixels] of reference.inputs.entries()) {
    if (inputs >= MIN_INPUTS && performance.now() - started > budgetMs) break;
    const candidates = read(await run(referenceInput(pixels, request, entry)), 0);
    inputs += 1;
    if (candidates === null) {
      const reason = `input ${inputs} returned a box or a score that is not a number, or a score outside 0 to 1`;
      return { verdict: 'refused', scores: null, boxes: null, tolerance, inputs, reason };
    }
    // the worst input counts: wrong arithmetic shows on some images and hardly on others
    const isSorted = HEAD_TABLE[head].places === 'sorted';
    const deviation = deviationFrom(reference.outputs[index]!, candidates, isSorted);
    scores = Math.max(scores, deviation.scores);
    boxes = Math.max(boxes, deviation.boxes);
  }
  const passed = scores <= tolerance && boxes <= tolerance;
  const reason = passed
    ? 'it reproduces its reference outputs'
    : 'it does not reproduce its reference outputs';
  return { verdict: passed ? 'passed' : 'refused', scores, boxes, tolerance, inputs, reason };
}
