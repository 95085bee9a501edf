import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDetections } from '../../../src/core/detections.ts';
import { BoxAgreement } from '../../../src/core/drift/box-agreement.ts';
import { createDecoder } from '../../../src/core/heads/decoder.ts';
import type { DecodeSettings, OutputTensor } from '../../../src/core/heads/head.ts';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import { Suppressor } from '../../../src/core/nms.ts';

const GOLDEN = z
  .object({
    crowds: z.array(
      z.object({
        threshold: z.number(),
        boxes: z.array(z.number()),
        scores: z.array(z.number()),
        classes: z.array(z.int()),
        expected: z.object({
          candidates: z.int(),
          kept: z.int(),
          consistency: z.number(),
          reliable: z.number(),
          overlapping: z.number(),
        }),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('golden/statistics.json', import.meta.url), 'utf8')));

describe('the agreement of kept and suppressed boxes', () => {
  it.each(GOLDEN.crowds)(
    'is that of numpy for $expected.candidates boxes at an IoU of $threshold',
    (crowd) => {
      const count = crowd.scores.length;
      const boxes = {
        count,
        boxes: Float32Array.from(crowd.boxes),
        scores: Float32Array.from(crowd.scores),
        classes: Uint16Array.from(crowd.classes),
      };
      const kept = new Uint32Array(count);
      const suppressedBy = new Uint32Array(count);
      const settings = { iouThreshold: crowd.threshold, maxCandidates: Infinity, maxKept: count };
      const keptCount = new Suppressor().run(boxes, settings, kept, suppressedBy);
      const agreement = new BoxAgreement();
      agreement.measure(boxes, kept, keptCount, suppressedBy);
      expect(agreement).toMatchObject({
        isMeasured: true,
        candidates: crowd.expected.candidates,
        kept: crowd.expected.kept,
      });
      for (const key of ['consistency', 'reliable', 'overlapping'] as const)
        expect(agreement[key], key).toBeCloseTo(crowd.expected[key], 4);
      const scores = Array.from(kept.subarray(0, keptCount), (entry) => boxes.scores[entry]!);
      const sure = scores.filter((score) => score > 0.3);
      expect(agreement.scored).toBe(sure.length);
      expect(agreement.scores).toBeCloseTo(sure.reduce((sum, score) => sum + score, 0), 9); // prettier-ignore
    },
  );
});

const SIDE = 64;
const CELLS = 84;
const letterbox = letterboxFor(SIDE, SIDE, SIDE, SIDE, 'top-left');

function decoderOf(head: 'yolov5' | 'end2end') {
  const size = { inputWidth: SIDE, inputHeight: SIDE };
  return createDecoder({ head, ...size, classes: 2, maxCandidates: Infinity });
}

/** Rows of a box in the middle of the image, an objectness and two classes. */
const row = fc
  .tuple(
    fc.integer({ min: 20, max: 44 }),
    fc.integer({ min: 20, max: 44 }),
    fc.integer({ min: 4, max: 24 }),
    fc.integer({ min: 4, max: 24 }),
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: 0, max: 1 }),
  )
  .map(([x, y, w, h, score, label]) => [x, y, w, h, score / 100, 1 - label, label]);
const rows = fc.array(row, { minLength: CELLS, maxLength: CELLS });

const tensor = (values: readonly number[], length: number): OutputTensor[] => [
  { data: Float32Array.from(values), dims: [1, values.length / length, length] },
];

const LIMITS: DecodeSettings = { scoreThreshold: 0.3, iouThreshold: 0.5, maxDetections: 20 };

describe('a decoder that measures the agreement', () => {
  it('returns the same detections as one that does not', () => {
    const decoder = decoderOf('yolov5');
    const limits = fc.record({
      scoreThreshold: fc.constantFrom(0, 0.01, 0.05, 0.1, 0.3, 0.9),
      iouThreshold: fc.constantFrom(0.2, 0.5, 0.8),
      maxDetections: fc.constantFrom(1, 3, 100),
      multiLabel: fc.boolean(),
    });
    fc.assert(
      fc.property(rows, limits, (list, settings) => {
        const outputs = tensor(list.flat(), 7);
        const [plain, measured] = [createDetections(100), createDetections(100)];
        const agreement = new BoxAgreement();
        expect(decoder.decode(outputs, 0, letterbox, settings, plain)).toBe('ok');
        expect(decoder.decode(outputs, 0, letterbox, settings, measured, agreement)).toBe('ok');
        expect(measured).toEqual(plain);
        expect(agreement.isMeasured).toBe(true);
        expect(agreement.consistency).toBeGreaterThanOrEqual(0);
        expect(agreement.consistency).toBeLessThanOrEqual(agreement.kept);
        expect(agreement.reliable).toBeLessThanOrEqual(agreement.overlapping);
      }),
    );
  });

  it('counts the same whatever the limits of the operator are', () => {
    const decoder = decoderOf('yolov5');
    const values = fc.sample(rows, { numRuns: 1, seed: 7 })[0] ?? [];
    const outputs = tensor(values.flat(), 7);
    const seen = [0.01, 0.3, 0.9].map((scoreThreshold) => {
      const agreement = new BoxAgreement();
      const settings = { ...LIMITS, scoreThreshold, maxDetections: scoreThreshold > 0.5 ? 1 : 50 };
      decoder.decode(outputs, 0, letterbox, settings, createDetections(100), agreement);
      const { candidates, kept, consistency, reliable } = agreement;
      return { candidates, kept, consistency, reliable };
    });
    expect(seen[0]?.candidates).toBeGreaterThan(10);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  it('costs no frame: an invalid box below the threshold only leaves the agreement unmeasured', () => {
    const decoder = decoderOf('yolov5');
    const good = Array.from({ length: CELLS }, () => [32, 32, 8, 8, 0.9, 1, 0]);
    good[3] = [NaN, 32, 8, 8, 0.2, 1, 0];
    const agreement = new BoxAgreement();
    const out = createDetections(100);
    expect(decoder.decode(tensor(good.flat(), 7), 0, letterbox, LIMITS, out, agreement)).toBe('ok');
    expect([out.count, agreement.isMeasured, agreement.candidates]).toEqual([1, false, 0]);
  });

  it('leaves it unmeasured for a head that suppresses inside the graph', () => {
    const agreement = new BoxAgreement();
    agreement.isMeasured = true;
    const outputs = tensor([8, 8, 40, 40, 0.9, 1], 6);
    const out = createDetections(100);
    expect(decoderOf('end2end').decode(outputs, 0, letterbox, LIMITS, out, agreement)).toBe('ok');
    expect([out.count, agreement.isMeasured]).toEqual([1, false]);
  });
});
