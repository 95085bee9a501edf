import { expect, it } from 'vitest';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import type { InferenceInput } from '../../../src/device/inference/engine.ts';
import { refuseInput } from '../../../src/device/inference/input-check.ts';

const NETWORK = { inputWidth: 64, inputHeight: 64 };

function raw(changes: Partial<InferenceInput> = {}): InferenceInput {
  return {
    kind: 'raw',
    pixels: new Uint8Array(32 * 16 * 3),
    letterbox: letterboxFor(32, 16, 64, 64, 'center'),
    encoding: 'rgb8',
    step: 96,
    ...changes,
  };
}

it.each<[string, InferenceInput]>([
  ['a letterboxed image', raw({ kind: 'letterboxed', pixels: new Uint8Array(64 * 64 * 3) })],
  ['a packed frame', raw()],
  ['rows with bytes between them', raw({ step: 100, pixels: new Uint8Array(100 * 15 + 96) })],
  ['bgr8', raw({ encoding: 'bgr8' })],
])('%s is taken', (_, input) => {
  expect(refuseInput(input, NETWORK)).toBeNull();
});

it.each<[string, InferenceInput, string]>([
  [
    'a letterboxed image one byte short',
    raw({ kind: 'letterboxed', pixels: new Uint8Array(64 * 64 * 3 - 1) }),
    'malformed',
  ],
  [
    'a letterboxed image one byte long',
    raw({ kind: 'letterboxed', pixels: new Uint8Array(64 * 64 * 3 + 1) }),
    'malformed',
  ],
  ['a frame one byte short', raw({ pixels: new Uint8Array(32 * 16 * 3 - 1) }), 'malformed'],
  ['a step smaller than a row', raw({ step: 95 }), 'malformed'],
  ['a step that is not a number', raw({ step: NaN }), 'malformed'],
  ['another encoding', raw({ encoding: 'yuyv' }), 'unsupported_encoding'],
  [
    'a letterbox for another network',
    raw({ letterbox: letterboxFor(32, 16, 128, 128, 'center') }),
    'malformed',
  ],
  ['a letterbox beyond the network', raw({ letterbox: { ...raw().letterbox, padY: 40 } }), 'malformed'],
  ['a letterbox with a negative border', raw({ letterbox: { ...raw().letterbox, padX: -1 } }), 'malformed'],
  ['a letterbox of fractions', raw({ letterbox: { ...raw().letterbox, scaledWidth: 10.5 } }), 'malformed'],
  ['a frame without height', raw({ letterbox: { ...raw().letterbox, sourceHeight: 0 } }), 'malformed'],
])('%s is refused', (_, input, reason) => {
  expect(refuseInput(input, NETWORK)).toMatchObject({ ok: false, reason });
});
