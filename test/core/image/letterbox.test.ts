import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { letterboxFor, type LetterboxAnchor } from '../../../src/core/image/letterbox.ts';

const side = fc.integer({ min: 1, max: 4096 });
const inputSide = fc.integer({ min: 1, max: 40 }).map((n) => n * 32);
const anchor = fc.constantFrom<LetterboxAnchor>('top-left', 'center');
const law = { seed: 42, numRuns: 1000 };

describe('letterboxFor', () => {
  it.each([
    // YOLOX's preproc: int(w * r), int(h * r)
    [640, 427, 416, 416, 'top-left', { scaledWidth: 416, scaledHeight: 277, padX: 0, padY: 0 }],
    [1280, 720, 416, 416, 'top-left', { scaledWidth: 416, scaledHeight: 234, padX: 0, padY: 0 }],
    // 360 * (448 / 640) is slightly below 252
    [640, 360, 448, 256, 'top-left', { scaledWidth: 448, scaledHeight: 252, padX: 0, padY: 0 }],
    // Ultralytics' LetterBox: round(w * r), border halves rounded down on the left and at the top (round(d - 0.1))
    [640, 427, 416, 416, 'center', { scaledWidth: 416, scaledHeight: 278, padX: 0, padY: 69 }],
    [427, 640, 640, 640, 'center', { scaledWidth: 427, scaledHeight: 640, padX: 106, padY: 0 }],
    [640, 427, 640, 640, 'center', { scaledWidth: 640, scaledHeight: 427, padX: 0, padY: 106 }],
    // at least one pixel remains
    [4096, 1, 64, 64, 'top-left', { scaledWidth: 64, scaledHeight: 1, padX: 0, padY: 0 }],
  ] as const)('%i x %i into %i x %i, %s', (width, height, inputWidth, inputHeight, where, expected) => {
    expect(letterboxFor(width, height, inputWidth, inputHeight, where)).toMatchObject(expected);
  });

  it('keeps the image inside the input and touches two opposite sides', () => {
    fc.assert(
      fc.property(
        side,
        side,
        inputSide,
        inputSide,
        anchor,
        (width, height, inputWidth, inputHeight, where) => {
          const box = letterboxFor(width, height, inputWidth, inputHeight, where);
          expect(box.padX).toBeGreaterThanOrEqual(0);
          expect(box.padY).toBeGreaterThanOrEqual(0);
          expect(box.padX + box.scaledWidth).toBeLessThanOrEqual(inputWidth);
          expect(box.padY + box.scaledHeight).toBeLessThanOrEqual(inputHeight);
          const gap = Math.min(inputWidth - box.scaledWidth, inputHeight - box.scaledHeight);
          expect(gap).toBe(0);
        },
      ),
      law,
    );
  });
});
