import { describe, expect, it } from 'vitest';
import { makeValueInfo } from '../../../src/model/onnx/build.ts';
import { fillSizeInputs, takeSizeInputs } from '../../../src/model/onnx/size-inputs.ts';
import { DATA_TYPE } from '../../../src/model/onnx/schema.ts';
import { readIntegers } from '../../../src/model/onnx/tensors.ts';
import { foreignDetector } from '../../device/authoring/foreign-detector.ts';

const SIZE = { width: 96, height: 64 };

function filled(name: string, elemType: number = DATA_TYPE.INT64, rows: number | string = 'N') {
  const model = foreignDetector({ layout: 'channels' });
  model.graph.input.push(makeValueInfo(name, elemType, [rows, 2]));
  const taken = takeSizeInputs(model);
  const words = fillSizeInputs(model, taken, SIZE, 'net.onnx');
  const { initializer, node, input } = model.graph;
  const tensor = initializer.at(-1)!;
  return {
    words,
    inputs: input.map((entry) => entry.name),
    name: tensor.name,
    values: [...readIntegers(tensor)!],
    first: node[0]!,
  };
}

describe('inputs with the size of the image', () => {
  it.each<[string, number[], string]>([
    ['orig_target_sizes', [96, 64], '"orig_target_sizes" is the size of the input'],
    ['im_shape', [64, 96], '"im_shape" is the size of the input'],
    ['scale_factor', [1, 1], '"scale_factor" is 1'],
  ])('replaces %s by a constant', (name, values, words) => {
    expect(filled(name)).toMatchObject({ name, values, words: [words], inputs: ['picture'] });
  });

  it('fills the rows and the type that the graph needs', () => {
    const { values, first, name } = filled('orig_target_sizes', DATA_TYPE.FLOAT, 2);
    expect(values).toEqual([96, 64, 96, 64]);
    expect(first).toMatchObject({ opType: 'Cast', input: [name], output: ['orig_target_sizes'] });
  });

  it('refuses an input of unknown order by name if the order matters', () => {
    expect(() => filled('extent')).toThrow(
      /in addition to the image it takes "extent" \[1, 2\].*width or height comes first/,
    );
  });

  it('keeps other inputs', () => {
    const model = foreignDetector({ layout: 'channels' });
    model.graph.input.push(makeValueInfo('mask', DATA_TYPE.FLOAT, [1, 64, 64]));
    expect(takeSizeInputs(model)).toEqual([]);
    expect(model.graph.input).toHaveLength(2);
  });
});
