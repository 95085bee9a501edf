import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { claimsOf } from '../../../src/model/bundle.ts';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { makeFloatTensor, makeInt64Tensor, makeNode } from '../../../src/model/onnx/build.ts';
import { readModel, writeModel, type Model } from '../../../src/model/onnx/model.ts';
import { compareFolded } from '../../../src/tools/optimize/compare-folded.ts';
import { foreignBytes, FOREIGN_SIZE } from '../../device/authoring/foreign-detector.ts';
import { scratchFolder } from './scratch.ts';

const ROWS = 20;

/** A graph that sorts its best boxes, and the same graph with one more node after it. */
async function twoGraphs(folder: string, change: (model: Model) => void) {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'topk.onnx');
  await writeFile(file, foreignBytes({ layout: 'topk', classes: 3, keep: ROWS }));
  const labels = ['person', 'car', 'dog'];
  const { bundle } = await importModel({
    file,
    out: folder,
    name: 'topk',
    version: '1.0.0',
    labels,
    tool: 'test',
  });
  const before = await readFile(join(bundle.folder, 'model.onnx'));
  const model = readModel(Uint8Array.from(before), 'after');
  const last = model.graph.node.at(-1)!;
  const [output = ''] = last.output;
  last.output[0] = 'sorted';
  change(model);
  model.graph.node.at(-1)!.output[0] = output;
  const pictures = join(folder, 'none.u8');
  await writeFile(pictures, '');
  const size = { width: FOREIGN_SIZE, height: FOREIGN_SIZE };
  const store = { pictures, count: 0, ...size, letterboxes: [], digest: '', names: [], pixelDigests: [] };
  return compareFolded(before, writeModel(model), claimsOf(bundle.manifest), store, 0);
}

const folder = scratchFolder();

it('treats swapped rows as the same detections, and different rows as different', async () => {
  const exchanged = await twoGraphs(join(folder, 'exchanged'), ({ graph }) => {
    const order = Array.from({ length: ROWS }, (_, row) => ROWS - 1 - row);
    graph.initializer.push(makeInt64Tensor('order', order));
    graph.node.push(makeNode('Gather', ['sorted', 'order'], ['turned'], { axis: 1 }));
  });
  expect(exchanged).toMatchObject({ maxRelative: 0, missing: 0 });
  expect(exchanged.detections).toBeGreaterThan(50);
});

it('detects boxes that moved', async () => {
  const moved = await twoGraphs(join(folder, 'moved'), ({ graph }) => {
    graph.initializer.push(makeFloatTensor('shift', [6], [2, 0, 2, 0, 0, 0]));
    graph.node.push(makeNode('Add', ['sorted', 'shift'], ['shifted']));
  });
  expect(moved.maxRelative).toBe(Infinity);
});
