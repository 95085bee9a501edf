import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import type { ImageView } from '../../../src/core/image/image-view.ts';
import { annotateJpeg, annotateRgb } from '../../../src/device/imaging/annotate.ts';
import { readImageHeader } from '../../../src/core/image/read-header.ts';

const LABELS = ['person'];

function black(width: number, height: number): ImageView {
  return { width, height, encoding: 'bgr8', step: width * 3, data: new Uint8Array(width * height * 3) };
}

function boxAt(x1: number, y1: number, x2: number, y2: number): Detections {
  const detections = createDetections(1);
  detections.count = 1;
  detections.boxes.set([x1, y1, x2, y2]);
  detections.scores[0] = 0.9;
  return detections;
}

/** Brightest channel around a point: a stroke has anti-aliased edges. */
function brightness(image: { data: Uint8Array; width: number }, x: number, y: number): number {
  let most = 0;
  for (let dy = -2; dy <= 2; dy++)
    for (let dx = -2; dx <= 2; dx++) {
      const at = ((y + dy) * image.width + x + dx) * 3;
      most = Math.max(most, ...image.data.subarray(at, at + 3));
    }
  return most;
}

describe('annotated images', () => {
  it('have the box where the detection is, and nothing inside it', async () => {
    const image = await annotateRgb(black(320, 240), boxAt(100, 120, 200, 200), LABELS);
    expect([image.width, image.height, image.data.length]).toEqual([320, 240, 320 * 240 * 3]);
    for (const [x, y] of [
      [100, 160],
      [200, 160],
      [150, 200],
    ] as const)
      expect(brightness(image, x, y), `edge at ${x}, ${y}`).toBeGreaterThan(100);
    expect(brightness(image, 150, 165)).toBe(0);
    expect(brightness(image, 300, 20)).toBe(0);
  });

  it('are scaled down with their boxes to the maximum width', async () => {
    const jpeg = await annotateJpeg(black(320, 240), boxAt(100, 120, 200, 200), LABELS, 160);
    const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
    const image = { data, width: info.width };
    expect([info.width, info.height]).toEqual([160, 120]);
    expect(brightness(image, 50, 80)).toBeGreaterThan(60);
    expect(brightness(image, 75, 85)).toBeLessThan(10);
  });

  it('are JPEG files if requested, and leave the pixels and detections unchanged', async () => {
    const pixels = black(64, 48);
    const detections = boxAt(10, 10, 30, 30);
    const jpeg = await annotateJpeg(pixels, detections, LABELS);
    expect(readImageHeader(jpeg)).toMatchObject({ width: 64, height: 48 });
    expect(pixels.data.every((value) => value === 0)).toBe(true);
    expect([...detections.boxes]).toEqual([10, 10, 30, 30]);
  });

  it('draw at most 200 boxes', async () => {
    const many = createDetections(5000);
    many.count = 5000;
    for (let i = 0; i < 5000; i++) many.boxes.set(i < 200 ? [0, 0, 5, 5] : [200, 150, 220, 170], i * 4);
    const image = await annotateRgb(black(320, 240), many, LABELS);
    expect(brightness(image, 220, 160)).toBe(0);
  });
});
