import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { overlaySvg } from '../../../src/core/render/overlay.ts';

function oneDetection(box: number[], classIndex = 0, track = 0): Detections {
  const detections = createDetections(2);
  detections.count = 1;
  detections.boxes.set(box);
  detections.scores[0] = 0.876;
  detections.classes[0] = classIndex;
  detections.tracks[0] = track;
  return detections;
}

const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]!);

describe('overlaySvg', () => {
  it('draws each box in source pixels with label, track and score', () => {
    const svg = overlaySvg(oneDetection([10, 20, 110, 220.06], 1, 7), ['person', 'car'], 640, 360);
    expect(svg).toContain('<rect x="10" y="20" width="100" height="200.1"');
    expect(texts(svg)).toEqual(['car #7 0.88']);
    expect(svg).toMatch(/^<svg [^>]*width="640" height="360"/);
  });

  it('shows the index of a class without a label, and nothing beyond the count', () => {
    const detections = oneDetection([0, 0, 5, 5], 9);
    expect(texts(overlaySvg(detections, ['person'], 64, 64))).toEqual(['class 9 0.88']);
    detections.count = 0;
    expect(overlaySvg(detections, ['person'], 64, 64)).not.toContain('<rect');
  });

  it('escapes the text of labels', () => {
    const svg = overlaySvg(oneDetection([0, 0, 5, 5]), [`<script>"&'\u0000\u001b`], 64, 64);
    expect(texts(svg)).toEqual(['&lt;script&gt;&quot;&amp;&apos;\uFFFD\uFFFD 0.88']);
  });

  it('has the color of the class at the box, and is transparent elsewhere', async () => {
    const svg = overlaySvg(oneDetection([20.5, 30.5, 60.5, 80.5]), ['x'], 100, 100);
    const { data, info } = await sharp(Buffer.from(svg))
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([100, 100]);
    const at = (x: number, y: number) => [...data.subarray((y * 100 + x) * 4, (y * 100 + x) * 4 + 4)];
    // class 0 is hsl(0, 85%, 55%)
    const [red, green, blue, alpha] = at(20, 55);
    expect(red).toBeGreaterThan(200);
    expect(green).toBeLessThan(80);
    expect(blue).toBeLessThan(80);
    expect(alpha).toBe(255);
    expect(at(40, 55)[3]).toBe(0);
    expect(at(5, 95)[3]).toBe(0);
  });

  it('is an image that renders for every text and number', async () => {
    const number = fc.float({ noDefaultInfinity: false, noNaN: false });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(number, number, number, number),
        fc.string({ unit: 'binary' }),
        async (box, label) => {
          const svg = overlaySvg(oneDetection(box), [label], 80, 60);
          const { info } = await sharp(Buffer.from(svg)).raw().toBuffer({ resolveWithObject: true });
          expect([info.width, info.height]).toEqual([80, 60]);
        },
      ),
      { seed: 5, numRuns: 100 },
    );
  });
});
