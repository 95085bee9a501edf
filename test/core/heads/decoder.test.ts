import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetections } from '../../../src/core/detections.ts';
import { createDecoder } from '../../../src/core/heads/decoder.ts';
import { HEAD_TABLE, HEADS, valuesPerEntry, type Head } from '../../../src/core/heads/head-table.ts';
import type { OutputTensor } from '../../../src/core/heads/head.ts';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';

const SIZE = 64;
const CLASSES = 3;
const CELLS = 84;
const settings = { scoreThreshold: 0.3, iouThreshold: 0.5, maxDetections: 10 };
const letterbox = letterboxFor(128, 128, SIZE, SIZE, 'top-left');

/** Entries of heads that do not have one per cell: three anchors, and queries. */
const ENTRIES: Partial<Record<Head, number>> = { yolov5: 3 * CELLS, detr: 20, end2end: 20 };

/** Rows with a score and a label. */
const isLabeled = (head: Head): boolean => HEAD_TABLE[head].scores === 'label';

const byChannel = (head: Head): boolean => HEAD_TABLE[head].axes === 'channels';

function shapeOf(head: Head): readonly number[] {
  const values = valuesPerEntry(HEAD_TABLE[head].scores, CLASSES);
  const entries = ENTRIES[head] ?? CELLS;
  return byChannel(head) ? [1, values, entries] : [1, entries, values];
}

function decoderFor(head: Head) {
  return createDecoder({ head, inputWidth: SIZE, inputHeight: SIZE, classes: CLASSES, maxCandidates: 1000 });
}

function zeros(head: Head): { data: Float32Array; dims: readonly number[] } {
  const dims = shapeOf(head);
  return { data: new Float32Array(dims.reduce((a, b) => a * b)), dims };
}

/** Index of the values of candidate `i`: where its center or corners start, and its scores. */
function place(head: Head, i: number): { box: number[]; scores: number[] } {
  const [, rows = 0, columns = 0] = shapeOf(head);
  const index = (value: number): number => (byChannel(head) ? value * columns + i : i * columns + value);
  expect(i).toBeLessThan(byChannel(head) ? columns : rows);
  const scores = { label: [4], classes: [5], objectness: [4, 6] }[HEAD_TABLE[head].scores];
  return { box: [0, 1, 2, 3].map(index), scores: scores.map(index) };
}

/**
 * One detection of score 0.81 or 0.9 at candidate `i`, 20 to 40 network pixels in x and y if the head decodes nothing.
 */
function withOne(head: Head, i: number, given?: number[]) {
  const usual = HEAD_TABLE[head].box === 'corners' ? [20, 20, 40, 40] : [30, 30, 20, 20];
  const box = (given ?? usual).map((value) =>
    HEAD_TABLE[head].unit === 'normalized' ? value / SIZE : value,
  );
  const tensor = zeros(head);
  const at = place(head, i);
  at.box.forEach((index, v) => (tensor.data[index] = box[v]!));
  at.scores.forEach((index) => (tensor.data[index] = 0.9));
  return tensor;
}

function run(head: Head, outputs: readonly OutputTensor[], batchIndex = 0) {
  const out = createDetections(10);
  out.count = 7;
  return { outcome: decoderFor(head).decode(outputs, batchIndex, letterbox, settings, out), out };
}

describe.each(HEADS)('decoder of %s', (head) => {
  it('returns no detections for an empty image', () => {
    const { outcome, out } = run(head, [zeros(head)]);
    expect([outcome, out.count]).toEqual(['ok', 0]);
  });

  it('finds one box, in source pixels', () => {
    // in cells: cell (0, 2) of stride 8, box of exactly one stride
    const inCells = HEAD_TABLE[head].unit === 'cells';
    const { outcome, out } = run(head, [inCells ? withOne(head, 16, [0.5, 0.5, 0, 0]) : withOne(head, 16)]);
    expect([outcome, out.count]).toEqual(['ok', 1]);
    const expected = inCells ? [0, 32, 16, 48] : [40, 40, 80, 80];
    [...out.boxes.subarray(0, 4)].forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
  });

  it.each([NaN, Infinity, -Infinity, 7, -3])(
    'reports a score of %d as invalid and writes nothing',
    (value) => {
      const tensor = withOne(head, 3);
      const { scores } = place(head, 5);
      for (const index of scores) tensor.data[index] = 0.9;
      tensor.data[scores[0]!] = value;
      const { outcome, out } = run(head, [tensor]);
      expect([outcome, out.count]).toEqual(['invalid', 7]);
    },
  );

  it.each([NaN, Infinity])('reports a box of %d as invalid', (value) => {
    for (let coordinate = 0; coordinate < 4; coordinate++) {
      const tensor = withOne(head, 3);
      tensor.data[place(head, 3).box[coordinate]!] = value;
      expect(run(head, [tensor]).outcome).toBe('invalid');
    }
  });

  it('drops a class that the filter excludes', () => {
    const decoder = decoderFor(head);
    const out = createDetections(10);
    const tensor = withOne(head, 3);
    const keep = Uint8Array.of(1, 1, 1);
    decoder.decode([tensor], 0, letterbox, { ...settings, classFilter: keep }, out);
    expect(out.count).toBe(1);
    keep[out.classes[0]!] = 0;
    decoder.decode([tensor], 0, letterbox, { ...settings, classFilter: keep }, out);
    expect(out.count).toBe(0);
  });

  it('returns every class above the threshold with multiLabel, otherwise only the best', () => {
    const decoder = decoderFor(head);
    const out = createDetections(10);
    const tensor = withOne(head, 3);
    const [last] = place(head, 3).scores.slice(-1);
    // the neighboring class of the same box, scored slightly lower; rows of end2end have one class each
    if (!isLabeled(head)) tensor.data[last! + (byChannel(head) ? CELLS : 1)] = 0.8;
    const found = (multiLabel: boolean, classFilter: Uint8Array | null): number[] => {
      decoder.decode([tensor], 0, letterbox, { ...settings, multiLabel, classFilter }, out);
      return [...out.classes.subarray(0, out.count)];
    };
    expect(found(false, null)).toEqual(isLabeled(head) ? [0] : [1]);
    expect(found(true, null)).toEqual(isLabeled(head) ? [0] : [1, 2]);
    expect(found(true, Uint8Array.of(0, 0, 1))).toEqual(isLabeled(head) ? [] : [2]);
    expect(found(false, Uint8Array.of(0, 0, 1))).toEqual([]);
  });

  it('refuses a shape that is not the head’s', () => {
    const tensor = zeros(head);
    expect(run(head, []).outcome).toBe('invalid');
    expect(run(head, [{ data: tensor.data, dims: [1, 1, tensor.data.length] }]).outcome).toBe('invalid');
    expect(run(head, [{ data: tensor.data.subarray(1), dims: tensor.dims }]).outcome).toBe('invalid');
    expect(run(head, [tensor], 1).outcome).toBe('invalid');
  });

  it('skips a box that lies entirely in the border', () => {
    const wide = letterboxFor(128, 32, SIZE, SIZE, 'top-left');
    const out = createDetections(10);
    decoderFor(head).decode([withOne(head, 3, [60, 60, 2, 2])], 0, wide, settings, out);
    expect(out.count).toBe(0);
  });

  it('returns valid detections or "invalid" for any numbers', () => {
    const value = fc.oneof(fc.double({ min: 0, max: 1 }), fc.float(), fc.double({ min: -100, max: 700 }));
    const decoder = decoderFor(head);
    const out = createDetections(10);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), fc.nat(), (values, offset) => {
        const tensor = zeros(head);
        values.forEach((v, i) => (tensor.data[(offset + i) % tensor.data.length] = v));
        if (decoder.decode([tensor], 0, letterbox, settings, out) === 'invalid') return;
        expect(out.count).toBeLessThanOrEqual(10);
        for (let i = 0; i < out.count; i++) {
          const [x1, y1, x2, y2] = out.boxes.subarray(4 * i, 4 * i + 4) as unknown as [
            number,
            number,
            number,
            number,
          ];
          expect(x1 >= 0 && x1 <= x2 && x2 <= 128 && y1 >= 0 && y1 <= y2 && y2 <= 128).toBe(true);
          expect(out.scores[i]! > 0.3 && out.scores[i]! <= 1 && out.classes[i]! < CLASSES).toBe(true);
          if (i > 0) expect(out.scores[i]!).toBeLessThanOrEqual(out.scores[i - 1]!);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('suppression by head', () => {
  it.each<[Head, number]>([
    ['labeled', 1],
    ['yolov8', 1],
    ['end2end', 2],
    ['detr', 2],
  ])('%s keeps %d of two boxes in the same place', (head, count) => {
    const tensor = withOne(head, 3);
    const other = withOne(head, 4).data;
    other.forEach((value, i) => (tensor.data[i] = Math.max(value, tensor.data[i]!)));
    expect(run(head, [tensor]).out.count).toBe(count);
  });
});

describe('grids of other strides', () => {
  // cell (1, 2) of stride 4 is row 33 of 16x16 + 8x8 + 4x4 + 2x2; of stride 16 row 9 of 4x4 + 2x2
  it.each([
    ['four strides', 256 + 84, 33, 4],
    ['two strides', 20, 9, 16],
  ])('decodes yolox with %s', (_, cells, row, stride) => {
    const data = new Float32Array(cells * (5 + CLASSES));
    data.set([0.5, 0.5, 0, 0, 0.9, 0.9, 0, 0], row * (5 + CLASSES));
    const { outcome, out } = run('yolox', [{ data, dims: [1, cells, 5 + CLASSES] }]);
    expect([outcome, out.count]).toEqual(['ok', 1]);
    const corner = [stride, 2 * stride].map((value) => 2 * value);
    expect([...out.boxes.subarray(0, 4)]).toEqual([...corner, ...corner.map((value) => value + 2 * stride)]);
  });
});

describe('decoder of end2end in four outputs', () => {
  const outputs = (count: number): OutputTensor[] => [
    { data: Int32Array.of(count), dims: [1, 1] },
    { data: Float32Array.of(20, 20, 40, 40, 0, 0, 9, 9), dims: [1, 2, 4] },
    { data: Float32Array.of(0.9, NaN), dims: [1, 2] },
    { data: Int32Array.of(1, 0), dims: [1, 2] },
  ];

  it('reads exactly as many entries as the graph counts', () => {
    const { outcome, out } = run('end2end', outputs(1));
    expect([outcome, out.count, out.classes[0]]).toEqual(['ok', 1, 1]);
    expect(run('end2end', outputs(2)).outcome).toBe('invalid');
  });

  it('refuses a count beyond its outputs', () => {
    expect(run('end2end', outputs(3)).outcome).toBe('invalid');
    expect(run('end2end', outputs(-1)).outcome).toBe('invalid');
  });
});
