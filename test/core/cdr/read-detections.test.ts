import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDetection2DArray } from '../../../src/core/cdr/read-detections.ts';
import { golden, goldenBytes } from './golden.ts';

describe('readDetection2DArray', () => {
  it.each(golden.detections)('reads $name as rclpy wrote it', ({ name, header, detections }) => {
    const read = readDetection2DArray(goldenBytes(name));
    if (!read.ok) return expect.unreachable(read.detail);
    expect(read.stamp).toEqual(header.stamp);
    expect(read.detections).toHaveLength(detections.length);
    detections.forEach(({ label, score, box: [x1 = 0, y1 = 0, x2 = 0, y2 = 0] }, i) => {
      const found = read.detections[i]!;
      expect(found.label).toBe(label);
      expect(found.score).toBeCloseTo(score, 6);
      const corners = [found.x, found.y, found.x + found.width, found.y + found.height];
      [x1, y1, x2, y2].forEach((value, at) => expect(corners[at]).toBeCloseTo(value, 3));
    });
  });

  it('refuses whatever is cut or changed, or reads it, and never throws', () => {
    const bytes = golden.detections.map(({ name }) => goldenBytes(name));
    const longest = bytes.reduce((a, b) => (b.length > a.length ? b : a));
    fc.assert(
      fc.property(fc.nat(longest.length - 1), fc.nat(255), fc.boolean(), (at, value, isCut) => {
        const changed = longest.slice(0, isCut ? at : longest.length);
        if (!isCut) changed[at] = value;
        const read = readDetection2DArray(changed);
        if (isCut) expect(read.ok).toBe(false);
        else if (!read.ok) expect(read.reason).toMatch(/malformed|unsupported_encoding/);
      }),
    );
  });
});
