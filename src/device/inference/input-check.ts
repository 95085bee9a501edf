import type { InferenceInput } from './engine.ts';
import type { ModelRequest, RunItem } from './runner-messages.ts';

/**
 * Why an input cannot go into the graph, as a finished item; `null` if it can. A wrong size never reaches native code.
 */
export function refuseInput(
  input: InferenceInput,
  request: Pick<ModelRequest, 'inputWidth' | 'inputHeight'>,
): RunItem | null {
  return input.kind === 'raw' ? refuseRaw(input, request) : refuseLetterboxed(input, request);
}

function refuse(reason: 'malformed' | 'unsupported_encoding', text: string): RunItem {
  return { ok: false, reason, code: 'GOSHAWK_INFERENCE_FAILED', details: { reason: text } };
}

function refuseLetterboxed(
  { pixels }: InferenceInput,
  { inputWidth, inputHeight }: Pick<ModelRequest, 'inputWidth' | 'inputHeight'>,
): RunItem | null {
  const expected = inputWidth * inputHeight * 3;
  if (pixels.byteLength === expected) return null;
  return refuse('malformed', `the image has ${pixels.byteLength} bytes, the network takes ${expected}`);
}

function refuseRaw(
  { pixels, letterbox, encoding, step }: InferenceInput,
  { inputWidth, inputHeight }: Pick<ModelRequest, 'inputWidth' | 'inputHeight'>,
): RunItem | null {
  if (encoding !== 'rgb8' && encoding !== 'bgr8') {
    return refuse('unsupported_encoding', `the graph resizes rgb8 and bgr8, not ${encoding}`);
  }
  const { sourceWidth, sourceHeight, scaledWidth, scaledHeight, padX, padY } = letterbox;
  const whole = [sourceWidth, sourceHeight, scaledWidth, scaledHeight, padX, padY, step].every(
    Number.isInteger,
  );
  const inside =
    whole &&
    letterbox.inputWidth === inputWidth &&
    letterbox.inputHeight === inputHeight &&
    padX >= 0 &&
    padY >= 0 &&
    scaledWidth >= 1 &&
    scaledHeight >= 1 &&
    padX + scaledWidth <= inputWidth &&
    padY + scaledHeight <= inputHeight;
  if (!inside) return refuse('malformed', `the letterbox does not fit ${inputWidth}x${inputHeight}`);
  const rowBytes = sourceWidth * 3;
  const enough = step * (sourceHeight - 1) + rowBytes;
  if (sourceWidth < 1 || sourceHeight < 1 || step < rowBytes || pixels.byteLength < enough) {
    const reported = `${sourceWidth}x${sourceHeight} with step ${step}`;
    return refuse('malformed', `the frame has ${pixels.byteLength} bytes, which does not match ${reported}`);
  }
  return null;
}
