import fc from 'fast-check';
import { expect, it } from 'vitest';
import { driftBodySchema } from '../../../src/contract/telemetry/drift.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { CameraWindow } from '../../../src/core/drift/camera-window.ts';
import { FEATURE_NAMES } from '../../../src/core/drift/features.ts';
import { BLOCK, BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';

const anyNumber = fc.oneof(
  fc.constantFrom(NaN, Infinity, -Infinity, -1, -0, 0, 1e-45, 0.5, 1, 3.4e38),
  fc.float(),
);
const block = fc.array(anyNumber, { minLength: BLOCK.patches, maxLength: BLOCK.patches }).map((values) => {
  const all = new Float32Array(BLOCK_FLOATS);
  all.set(values);
  return all;
});

it('a window is within the bounds of its message whatever was measured', () => {
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 6 }),
      fc.array(anyNumber, { maxLength: 40 }),
      (blocks, values) => {
        const window = new CameraWindow();
        for (const one of blocks) {
          // these two are counted, never computed
          one[BLOCK.kept] = Math.trunc(one[BLOCK.kept]!) % 1e6;
          one[BLOCK.scored] = Math.abs(Math.trunc(one[BLOCK.scored]!)) % 1e6;
          window.noteBlock(one, false);
        }
        values.forEach((value, i) => window.note(FEATURE_NAMES[i % FEATURE_NAMES.length]!, value));
        const detections = createDetections(1);
        detections.count = 1;
        detections.boxes.set([0, 1, 2, 3].map((i) => values[i] ?? 0));
        detections.scores[0] = values[4] ?? 0;
        window.noteBoxes(detections, 640, 0);
        const camera = window.read('front', ['person'], { late: 0, duplicate: 0 });
        const body = {
          ...{
            window: { start: '2026-01-01T10:00:00.000Z', end: '2026-01-01T10:01:00.000Z' },
            bundle: null,
            table: 1,
          },
          cameras: [camera],
        };
        expect(driftBodySchema.safeParse(JSON.parse(JSON.stringify(body))).error?.issues ?? []).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
