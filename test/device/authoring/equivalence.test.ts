import { describe, expect, it } from 'vitest';
import {
  checkEquivalence,
  compareGraphs,
  measureSensitivity,
} from '../../../src/device/authoring/equivalence.ts';
import { makeFloatTensor, makeNode } from '../../../src/model/onnx/build.ts';
import { describeInput, foldPreprocessing, type Normalization } from '../../../src/model/onnx/fold.ts';
import { readModel, writeModel, type Model } from '../../../src/model/onnx/model.ts';
import { beforeSelection } from '../../../src/model/onnx/selection.ts';
import { foreignBytes, foreignDetector, FOREIGN_SIZE, type ForeignOptions } from './foreign-detector.ts';

const SIZE = { width: FOREIGN_SIZE, height: FOREIGN_SIZE };
const UNIT: Normalization = { colorOrder: 'rgb', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] };

async function compared(options: ForeignOptions, change: (folded: Model) => void = () => undefined) {
  const original = foreignBytes(options);
  const model = readModel(original, 'foreign');
  const input = describeInput(model, 'foreign');
  foldPreprocessing(model, input, SIZE, UNIT);
  change(model);
  const finished = { head: 'end2end', classes: 2 } as const;
  return compareGraphs(original, writeModel(model), { input, size: SIZE, normalization: UNIT, finished });
}

/** Makes the graph read a tensor after a change. */
function edit(model: Model, tensor: string, op: string, by?: number): void {
  const edited = `${tensor}_edited`;
  for (const node of model.graph.node) {
    node.input = node.input.map((name) => (name === tensor ? edited : name));
  }
  const at = model.graph.node.findIndex(({ output }) => output.includes(tensor));
  const inputs = by === undefined ? [tensor] : [tensor, `${edited}_by`];
  if (by !== undefined) model.graph.initializer.push(makeFloatTensor(`${edited}_by`, [], [by]));
  model.graph.node.splice(at + 1, 0, makeNode(op, inputs, [edited]));
}

describe('graphs that select boxes', () => {
  it.each<[string, ForeignOptions]>([
    ['the best rows', { layout: 'topk' }],
    ['suppression', { layout: 'nms' }],
    ['suppression with a threshold that no image passes', { layout: 'nms', scoreThreshold: 0.999 }],
  ])('compares detections in any order for %s', async (_, options) => {
    const { detections, maxRelative } = await compared(options);
    expect(detections).toBeGreaterThan(20);
    expect(maxRelative).toBeLessThan(1e-4);
  });

  it('detects a change before the selection in the values', async () => {
    const { maxRelative } = await compared({ layout: 'topk' }, (model) => edit(model, 'corners', 'Add', 1));
    expect(maxRelative).toBeGreaterThan(0.01);
  });

  it('detects a change after the selection in the detections', async () => {
    const { maxRelative } = await compared({ layout: 'nms' }, (model) => {
      Object.assign(model.graph.node.at(-1)!, { output: ['chosen_rows'], name: 'choose' });
      model.graph.initializer.push(makeFloatTensor('shift', [6], [3, 0, 3, 0, 0, 0]));
      model.graph.node.push(makeNode('Add', ['chosen_rows', 'shift'], ['found']));
    });
    expect(maxRelative).toBe(Infinity);
  });

  it('compares a graph without selection value by value', async () => {
    expect(beforeSelection(foreignDetector({ layout: 'channels' }))).toEqual([]);
    expect((await compared({ layout: 'channels' })).detections).toBeNull();
  });
});

describe('a network that is sensitive to rounding', () => {
  const shared = { size: SIZE, normalization: UNIT } as const;

  /** Values after a gain and a sine, which amplify rounding differences. */
  async function amplified(gain: number, wrong = 0) {
    const model = foreignDetector({ layout: 'channels' });
    edit(model, 'raw', 'Mul', gain);
    edit(model, 'raw_edited', 'Sin');
    const original = writeModel(model);
    const folded = readModel(original, 'foreign');
    const input = describeInput(folded, 'foreign');
    foldPreprocessing(folded, input, SIZE, UNIT);
    if (wrong > 0) edit(folded, 'boxes', 'Add', wrong);
    const asked = { ...shared, input };
    const found = await compareGraphs(original, writeModel(folded), asked);
    const check = () =>
      checkEquivalence(found, 1e-3, 'foreign.onnx', () => measureSensitivity(original, asked));
    return { found, check };
  }

  it('is accepted if folding moves its values no further than a rounding of its input', async () => {
    const { found, check } = await amplified(1e4);
    expect(found.maxRelative).toBeGreaterThan(1e-3);
    expect(await check()).toEqual([expect.stringContaining('is sensitive to rounding')]);
  });

  it('is refused if folding moves them further', async () => {
    const { check } = await amplified(1e4, 20);
    await expect(check()).rejects.toMatchObject({
      code: 'GOSHAWK_INTERNAL',
      message: expect.stringContaining('folding changed what foreign.onnx computes') as string,
    });
  });

  it('is not measured if folding changes little', async () => {
    const { check } = await amplified(1);
    expect(await check()).toEqual([]);
  });
});
