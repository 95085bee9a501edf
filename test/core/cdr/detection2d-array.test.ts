import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Detection2DArrayEncoder } from '../../../src/core/cdr/detection2d-array.ts';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { decodeDetection2DArray } from './decode-detections.ts';
import { golden, goldenBytes } from './golden.ts';

const HEADER = { stamp: { sec: 12, nanosec: 34 }, frameId: 'cam' };

function detectionsOf(entries: { score: number; box: number[]; track: number; class: number }[]): Detections {
  const detections = createDetections(entries.length);
  detections.count = entries.length;
  entries.forEach((entry, i) => {
    detections.boxes.set(entry.box, i * 4);
    detections.scores[i] = entry.score;
    detections.classes[i] = entry.class;
    detections.tracks[i] = entry.track;
  });
  return detections;
}

describe('Detection2DArray', () => {
  it.each(golden.detections)(
    '$name is byte for byte what rclpy writes',
    ({ name, labels, header, detections }) => {
      const encoder = new Detection2DArrayEncoder(labels, 1);
      const input = detectionsOf(detections.map((d) => ({ ...d, class: labels.indexOf(d.label) })));
      // A longer message first: its remains in the buffer must not show through.
      encoder.encode({ ...header, frameId: '\u00ff'.repeat(700) }, input);
      expect(encoder.encode(header, input)).toEqual(goldenBytes(name));
    },
  );

  it('is read back unchanged', () => {
    const float32 = fc.float({ min: 0, max: 4096, noNaN: true, noDefaultInfinity: true });
    const entry = fc.record({
      score: fc.float({ min: 0, max: 1, noNaN: true }),
      box: fc.tuple(float32, float32, float32, float32),
      track: fc.integer({ min: 0, max: 0xffffffff }),
      class: fc.integer({ min: 0, max: 2 }),
    });
    const labels = ['person', 'Fußgänger', 'x'];
    const encoder = new Detection2DArrayEncoder(labels);
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 20 }),
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        (entries, frameId) => {
          const decoded = decodeDetection2DArray(
            encoder.encode({ ...HEADER, frameId }, detectionsOf(entries)),
          );
          if (!decoded.ok) throw new Error(decoded.detail);
          expect(decoded.header.frameId).toBe(frameId);
          expect(decoded.detections.length).toBe(entries.length);
          decoded.detections.forEach((detection, i) => {
            const { score, box, track, class: index } = entries[i]!;
            const [x1, y1, x2, y2] = box;
            expect(detection).toEqual({
              header: { ...HEADER, frameId },
              results: [{ classId: labels[index], score }],
              box: { x: (x1 + x2) / 2, y: (y1 + y2) / 2, theta: 0, width: x2 - x1, height: y2 - y1 },
              id: track === 0 ? '' : String(track),
            });
          });
        },
      ),
      { seed: 20240611, numRuns: 200 },
    );
  });

  it('names a class index without a label', () => {
    const encoder = new Detection2DArrayEncoder(['person']);
    const input = detectionsOf([{ score: 1, box: [0, 0, 1, 1], track: 0, class: 3 }]);
    expect(() => encoder.encode(HEADER, input)).toThrow('class index 3 has no label; there are 1');
  });
});
