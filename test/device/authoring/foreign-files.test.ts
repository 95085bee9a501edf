import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Detections } from '../../../src/core/detections.ts';
import { createRandom } from '../../../src/core/random.ts';
import { INSPECTION, networkValues } from '../../../src/device/authoring/equivalence.ts';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { inlineExternalData } from '../../../src/model/onnx/external-data.ts';
import { readModel, writeModel } from '../../../src/model/onnx/model.ts';
import { GraphSession, makeFeed } from '../../../src/device/inference/session.ts';
import { readRegularFile } from '../../../src/platform/regular-file.ts';
import { runtimeBoxes } from './runtime-boxes.ts';
import { describeWith, FOREIGN_FILES, SHARED } from '../../support/needs.ts';

const FAULTS = join(SHARED, 'faults');
const UNIT = { colorOrder: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] } as const;
const LOWEST = 0.05;

/** A detection by plain arithmetic: corners in pixels. */
interface Box {
  readonly box: readonly number[];
  readonly score: number;
  readonly label: number;
}

type Decode = (values: Float32Array, dims: readonly number[], side: number) => Box[];

const corners = ([x, y, w, h]: readonly number[]): number[] => [
  x! - w! / 2,
  y! - h! / 2,
  x! + w! / 2,
  y! + h! / 2,
];

/** The best class of each row, whose box is a center and a size in pixels. */
function classRows(row: (index: number) => readonly number[], rows: number, skip: number): Box[] {
  return Array.from({ length: rows }, (_, index) => {
    const values = row(index);
    const scores = values.slice(4 + skip);
    const score = Math.max(...scores);
    return { box: corners(values.slice(0, 4)), score, label: scores.indexOf(score) };
  });
}

const rowsOf = (values: Float32Array, columns: number) => (index: number) =>
  Array.from(values.subarray(index * columns, (index + 1) * columns));

const channels: Decode = (values, [, columns = 0, rows = 0]) =>
  classRows((index) => Array.from({ length: columns }, (_, c) => values[c * rows + index]!), rows, 0);

const objectnessRows: Decode = (values, [, rows = 0, columns = 0]) =>
  classRows(rowsOf(values, columns), rows, 1);

const labeledRows = (boxOf: (values: readonly number[], side: number) => readonly number[]): Decode => {
  return (values, [, rows = 0], side) =>
    Array.from({ length: rows }, (_, index) => {
      const row = rowsOf(values, 6)(index);
      return { box: boxOf(row, side), score: row[4]!, label: row[5]! };
    });
};

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-foreign-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function noise(side: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = createRandom(seed);
  return Uint8Array.from({ length: 3 * side * side }, () => random.int(0, 255));
}

/** The file's own detections in ONNX Runtime, decoded by plain arithmetic. */
async function reference(name: string, side: number, pixels: Uint8Array, decode: Decode): Promise<Box[]> {
  const file = join(FAULTS, name);
  const model = readModel(await readRegularFile(file, 1e9), file);
  await inlineExternalData(model, file);
  const session = await GraphSession.load(writeModel(model), INSPECTION);
  const values = networkValues(pixels, { width: side, height: side }, 'nchw', UNIT);
  const input = session.inputs[0]!.name;
  const [output] = await session.run({ [input]: makeFeed(values, [1, 3, side, side]) });
  await session.close();
  return decode(Float32Array.from(output!.data as Float32Array), output!.dims, side);
}

/**
 * Largest distance of a corner, pixels, to the reference detection of the same class and score. Clipped to the image as
 * in the runtime.
 */
function largestDistance(wanted: readonly Box[], found: Detections, side: number, lowest = LOWEST): number {
  let largest = 0;
  const left = Array.from({ length: found.count }, (_, i) => i);
  for (const { box, score, label } of wanted.filter((entry) => entry.score > lowest)) {
    const clipped = box.map((value) => Math.min(side, Math.max(0, value)));
    // boxes that are clipped to nothing do not count
    if (clipped[2]! <= clipped[0]! || clipped[3]! <= clipped[1]!) continue;
    const distances = left
      .filter((i) => found.classes[i] === label && Math.abs(found.scores[i]! - score) < 1e-4)
      .map(
        (i) =>
          [i, Math.max(...clipped.map((value, k) => Math.abs(found.boxes[4 * i + k]! - value)))] as const,
      );
    const [nearest] = distances.sort((a, b) => a[1] - b[1]);
    if (nearest === undefined) return Infinity;
    left.splice(left.indexOf(nearest[0]), 1);
    largest = Math.max(largest, nearest[1]);
  }
  return left.length > 0 ? Infinity : largest;
}

const pixelCorners = labeledRows((row) => row.slice(0, 4));
const shareCenters = labeledRows((row, side) => corners(row.slice(0, 4).map((value) => value * side)));

describeWith(FOREIGN_FILES, 'files of foreign exporters', () => {
  it.each<[string, number, number, Decode, string, number?]>([
    ['plain.onnx', 320, 2, channels, 'yolov8'],
    ['decoded.onnx', 320, 2, objectnessRows, 'yolov5'],
    ['external.onnx', 320, 2, channels, 'yolov8'],
    ['rtdetr.onnx', 320, 2, shareCenters, 'end2end'],
    ['e2e_topk_live.onnx', 640, 80, pixelCorners, 'end2end', 0],
  ])(
    '%s: the runtime returns what the file returns',
    async (name, side, classes, decode, head, lowest = LOWEST) => {
      const labels = Array.from({ length: classes }, (_, i) => `class${i}`);
      const { bundle } = await importModel({
        file: join(FAULTS, name),
        out: folder,
        name: name.replace('.onnx', ''),
        version: '1.0.0',
        labels,
        tool: 'test',
      });
      expect(bundle.manifest.head).toBe(head);
      let boxes = 0;
      for (const seed of [1, 2]) {
        const pixels = noise(side, seed);
        const wanted = await reference(name, side, pixels, decode);
        const found = await runtimeBoxes(bundle, pixels, { most: 3000, scoreThreshold: lowest });
        expect(largestDistance(wanted, found, side, lowest)).toBeLessThan(0.01);
        boxes += found.count;
      }
      expect(boxes).toBeGreaterThan(50);
    },
  );

  it('decoded.onnx and external.onnx give the boxes of plain.onnx', async () => {
    const pixels = noise(320, 3);
    const plain = await reference('plain.onnx', 320, pixels, channels);
    expect(plain.filter(({ score }) => score > LOWEST).length).toBeGreaterThan(100);
    for (const name of ['decoded', 'external']) {
      const { bundle } = await importModel({
        file: join(FAULTS, `${name}.onnx`),
        out: folder,
        name: `${name}-again`,
        version: '1.0.0',
        labels: ['a', 'b'],
        tool: 'test',
      });
      const found = await runtimeBoxes(bundle, pixels, { most: 3000, scoreThreshold: LOWEST });
      expect(largestDistance(plain, found, 320)).toBeLessThan(0.01);
    }
  });
});
