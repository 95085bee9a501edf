import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { createDecoder } from '../../../src/core/heads/decoder.ts';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { cutToLimits, LimitsInForce, toDecodeLimits } from '../../../src/device/pipeline/decode-limits.ts';
import { defaultLimits } from '../../../src/device/pipeline/limit-table.ts';

const LABELS = ['person', 'car', 'bus'];
const LIMITS = defaultLimits({ score: 0.3, iou: 0.5, maxDetections: 100 });

describe('toDecodeLimits', () => {
  it('turns names into a mask over the labels', () => {
    expect(toDecodeLimits(LIMITS, LABELS, null)).toEqual({
      scoreThreshold: 0.3,
      iouThreshold: 0.5,
      maxDetections: 100,
      classFilter: null,
    });
    const classFilter = toDecodeLimits(
      { ...LIMITS, class_filter: ['bus', 'person'] },
      LABELS,
      null,
    ).classFilter;
    expect(classFilter).toEqual(Uint8Array.of(1, 0, 1));
  });
});

describe('detections for a tracker', () => {
  const HEAD = 'yolov8';
  const SIZE = 64;
  const CELLS = 84;
  const decoder = createDecoder({
    head: HEAD,
    inputWidth: SIZE,
    inputHeight: SIZE,
    classes: LABELS.length,
    maxCandidates: 1000,
  });
  const letterbox = letterboxFor(SIZE, SIZE, SIZE, SIZE, 'top-left');

  function decode(data: Float32Array, limits: ReturnType<typeof toDecodeLimits>): Detections {
    const out = createDetections(limits.maxDetections);
    const dims = [1, 4 + LABELS.length, CELLS];
    expect(decoder.decode([{ data, dims }], 0, letterbox, limits, out)).toBe('ok');
    return out;
  }

  const rows = ({ count, boxes, scores, classes }: Detections): unknown[] =>
    Array.from({ length: count }, (_, i) => [...boxes.slice(4 * i, 4 * i + 4), scores[i], classes[i]]);

  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  const outputs = fc
    .array(fc.tuple(unit, unit, unit, unit, fc.array(unit, { minLength: 3, maxLength: 3 })), {
      minLength: CELLS,
      maxLength: CELLS,
    })
    .map((cells) => {
      const data = new Float32Array((4 + LABELS.length) * CELLS);
      cells.forEach(([x, y, width, height, scores], cell) => {
        const values = [10 + 44 * x, 10 + 44 * y, 4 + 16 * width, 4 + 16 * height, ...scores];
        values.forEach((value, channel) => (data[channel * CELLS + cell] = value));
      });
      return data;
    });

  it('include low-score boxes without changing what is published', () => {
    fc.assert(
      fc.property(outputs, unit, fc.integer({ min: 1, max: 30 }), (data, score, maxDetections) => {
        const limits = { ...LIMITS, score_threshold: score, max_detections: maxDetections };
        const published = decode(data, toDecodeLimits(limits, LABELS, null));
        const tracked = decode(data, toDecodeLimits(limits, LABELS, 0.1));
        expect(tracked.count).toBeGreaterThanOrEqual(published.count);
        cutToLimits(tracked, limits);
        expect(rows(tracked)).toEqual(rows(published));
      }),
    );
  });

  it('have room in addition to the published ones, and a threshold that is never above theirs', () => {
    expect(toDecodeLimits({ ...LIMITS, score_threshold: 0.5 }, LABELS, 0.1)).toMatchObject({
      scoreThreshold: 0.1,
      maxDetections: 200,
    });
    expect(toDecodeLimits({ ...LIMITS, score_threshold: 0.05 }, LABELS, 0.1).scoreThreshold).toBe(0.05);
    expect(toDecodeLimits({ ...LIMITS, max_detections: 10_000 }, LABELS, 0.1).maxDetections).toBe(10_000);
  });
});

describe('LimitsInForce', () => {
  const limits = (): LimitsInForce =>
    new LimitsInForce(LIMITS, { max_detections: 7 }, { labels: LABELS, trackedFrom: null });

  it('lays limits over those of the operator, whose changes are in force once they are taken away', () => {
    const inForce = limits();
    inForce.override({ score_threshold: 0.6 });
    expect(inForce.change({ score_threshold: 0.4, max_detections: 9 })).toEqual({
      ...LIMITS,
      score_threshold: 0.6,
      max_detections: 9,
    });
    expect(inForce.forEngine.scoreThreshold).toBe(0.6);
    expect(inForce.override({})).toEqual({ ...LIMITS, score_threshold: 0.4, max_detections: 9 });
    expect(inForce.forEngine.scoreThreshold).toBe(0.4);
  });

  it('keeps what was in force when limits do not fit', () => {
    const inForce = limits();
    inForce.override({ score_threshold: 0.6 });
    expect(() => inForce.override({ class_filter: ['unicorn'] })).toThrow(/unicorn/);
    expect(inForce.limits).toMatchObject({ score_threshold: 0.6, class_filter: [] });
  });
});
