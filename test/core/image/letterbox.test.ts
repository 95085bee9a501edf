import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boxesToNetwork,
  boxesToSource,
  clipBoxes,
  letterboxFor,
  type LetterboxAnchor,
} from '../../../src/core/image/letterbox.ts';

const side = fc.integer({ min: 1, max: 4096 });
const inputSide = fc.integer({ min: 1, max: 40 }).map((n) => n * 32);
const anchor = fc.constantFrom<LetterboxAnchor>('top-left', 'center');
const unit = fc.float({ min: 0, max: 1, noNaN: true });
const law = { seed: 42, numRuns: 1000 };

describe('letterboxFor', () => {
  it.each([
    // YOLOX's preproc: int(w * r), int(h * r)
    [640, 427, 416, 416, 'top-left', { scaledWidth: 416, scaledHeight: 277, padX: 0, padY: 0 }],
    [1280, 720, 416, 416, 'top-left', { scaledWidth: 416, scaledHeight: 234, padX: 0, padY: 0 }],
    // 360 * (448 / 640) is a hair below 252
    [640, 360, 448, 256, 'top-left', { scaledWidth: 448, scaledHeight: 252, padX: 0, padY: 0 }],
    // Ultralytics' LetterBox: round(w * r), border halves rounded down on the left and at the top (round(d - 0.1))
    [640, 427, 416, 416, 'center', { scaledWidth: 416, scaledHeight: 278, padX: 0, padY: 69 }],
    [427, 640, 640, 640, 'center', { scaledWidth: 427, scaledHeight: 640, padX: 106, padY: 0 }],
    [640, 427, 640, 640, 'center', { scaledWidth: 640, scaledHeight: 427, padX: 0, padY: 106 }],
    // a sliver keeps a pixel
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

describe('boxes', () => {
  const boxes = fc.array(fc.tuple(unit, unit, unit, unit), { maxLength: 8 });

  it('are unchanged after a round trip through network coordinates', () => {
    fc.assert(
      fc.property(
        side,
        side,
        inputSide,
        inputSide,
        anchor,
        boxes,
        (width, height, inputWidth, inputHeight, where, units) => {
          const letterbox = letterboxFor(width, height, inputWidth, inputHeight, where);
          const source = Float32Array.from(
            units.flatMap(([a, b, c, d]) => [a * width, b * height, c * width, d * height]),
          );
          const network = new Float32Array(source.length);
          boxesToNetwork(letterbox, source, units.length, network);
          for (let i = 0; i < network.length; i += 2) {
            expect(network[i]!).toBeLessThanOrEqual(inputWidth + 1e-3);
            expect(network[i + 1]!).toBeLessThanOrEqual(inputHeight + 1e-3);
          }
          boxesToSource(letterbox, network, units.length);
          // float32 keeps network coordinates to input * 2^-24, which the way back divides by the scale
          const epsilon = (2 ** -22 * (inputWidth + inputHeight)) / letterbox.scale + 1e-6;
          source.forEach((value, i) => expect(Math.abs(network[i]! - value)).toBeLessThanOrEqual(epsilon));
        },
      ),
      law,
    );
  });

  it('are inside the image after clipping, and unchanged if they already were', () => {
    const wild = fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(side, side, fc.array(wild, { maxLength: 6 }), (width, height, list) => {
        const before = Float32Array.from(list.flat());
        const after = before.slice();
        clipBoxes(after, list.length, width, height);
        after.forEach((value, i) => {
          const limit = i % 2 === 0 ? width : height;
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(limit);
          if (before[i]! >= 0 && before[i]! <= limit) expect(value - before[i]!).toBe(0);
        });
      }),
      law,
    );
  });

  it('are changed only up to the count', () => {
    const letterbox = letterboxFor(200, 100, 100, 100, 'center');
    const some = Float32Array.of(10, 30, 20, 40, -5, -5, 500, 500);
    boxesToSource(letterbox, some, 1);
    expect([...some]).toEqual([20, 10, 40, 30, -5, -5, 500, 500]);
    clipBoxes(some, 1, 30, 20);
    expect([...some]).toEqual([20, 10, 30, 20, -5, -5, 500, 500]);
  });

  it('keep NaN for the caller to detect', () => {
    const some = Float32Array.of(NaN, 1, 2, NaN);
    clipBoxes(some, 1, 10, 10);
    expect([...some]).toEqual([NaN, 1, 2, NaN]);
  });
});
