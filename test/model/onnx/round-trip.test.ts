import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { feedInputs, opsetVersion, readModel, shapeOf, writeModel } from '../../../src/model/onnx/model.ts';
import { readFloats, readIntegers } from '../../../src/model/onnx/tensors.ts';

/** Written by another implementation: golden/make_golden.py. */
const golden = readFileSync(new URL('golden/golden.onnx', import.meta.url));

describe('an ONNX file written by the Python package', () => {
  it('is written back byte for byte, including unknown fields', () => {
    expect(Buffer.compare(writeModel(readModel(golden, 'golden.onnx')), golden)).toBe(0);
  });

  it('is read correctly', () => {
    const model = readModel(golden, 'golden.onnx');
    expect(opsetVersion(model)).toBe(13);
    expect(model.producerName).toBe('make_golden.py');
    expect(feedInputs(model.graph).map((value) => [value.name, shapeOf(value)])).toEqual([
      ['x', ['batch', 3, 8, '']],
      ['flag', []],
    ]);
    const [weights, packed, integers] = model.graph.initializer;
    const expected = Float32Array.from({ length: 24 }, (_, i) => -1 + (2 * i) / 23);
    const floats = weights === undefined ? null : readFloats(weights);
    floats?.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 6));
    expect(floats).toHaveLength(24);
    expect(packed === undefined ? null : Array.from(readFloats(packed) ?? [])).toEqual([0.5, -0.25, 3]);
    expect(integers === undefined ? null : Array.from(readIntegers(integers) ?? [])).toEqual([-1, 2 ** 40]);
  });

  it('keeps unknown fields through an edit of the graph around them', () => {
    const model = readModel(golden, 'golden.onnx');
    model.graph.name = 'renamed';
    const [node] = model.graph.node;
    if (node !== undefined) node.name = 'renamed too';
    const text = Buffer.from(writeModel(model)).toString('latin1');
    for (const kept of ['unknown to us', 'a doc string is no field of ours', 'Twice', 'training', 'nobody']) {
      expect(text).toContain(kept);
    }
    expect(text).toContain('renamed too');
    expect(text).not.toContain('golden\u0012');
  });
});

describe('a file that is not ONNX', () => {
  it.each([
    ['empty', new Uint8Array(0)],
    ['text', new TextEncoder().encode('this is not a model, it is a sentence')],
    ['cut short', golden.subarray(0, golden.length - 40)],
    ['a model without a graph', Uint8Array.of(0x08, 0x08)],
  ])('is refused with a code and its name: %s', (_, bytes) => {
    expect(() => readModel(bytes, 'some.onnx')).toThrow(
      expect.objectContaining({
        code: 'GOSHAWK_MODEL_UNREADABLE',
        message: expect.stringContaining('some.onnx') as string,
      }),
    );
  });
});
