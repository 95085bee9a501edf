import { create } from '@bufbuild/protobuf';
import type { Int8Arithmetic } from '../../contract/machine.ts';
import { makeFloatTensor, makeNode, makeUint8Scalar, makeValueInfo } from '../../model/onnx/build.ts';
import { writeModel, type Model } from '../../model/onnx/model.ts';
import { DATA_TYPE, ModelSchema, TensorSchema } from '../../model/onnx/schema.ts';
import { GraphSession, makeFeed } from './session.ts';

/** Channels of the probe; the sum over them is `CHANNELS * 255 * 127`. */
const CHANNELS = 64;
const SIDE = 8;
const DIMS = [1, CHANNELS, SIDE, SIDE] as const;

/** The exact sum after the output's scale. A kernel that saturates sums of two products at 32767 returns half of it. */
const EXACT = 200;

/** One quantized 1x1 convolution with the largest uint8 and int8 values. */
function probeModel(): Uint8Array {
  const int8 = (name: string, dims: readonly number[], value: number): ReturnType<typeof makeFloatTensor> =>
    create(TensorSchema, {
      name,
      dims: dims.map(BigInt),
      dataType: DATA_TYPE.INT8,
      rawData: new Uint8Array(dims.reduce((total, size) => total * size, 1)).fill(value),
    });
  const outputScale = (CHANNELS * 255 * 127) / EXACT;
  const inputs = ['x', 'one', 'zero', 'weights', 'one', 'weight-zero', 'output-scale', 'zero'];
  return writeModel(
    create(ModelSchema, {
      irVersion: 8n,
      producerName: 'goshawk',
      opsetImport: [{ domain: '', version: 13n }],
      graph: {
        name: 'int8-probe',
        node: [makeNode('QLinearConv', inputs, ['y'], { kernel_shape: [1, 1] })],
        initializer: [
          makeFloatTensor('one', [], [1]),
          makeUint8Scalar('zero', 0),
          int8('weights', [CHANNELS, CHANNELS, 1, 1], 127),
          int8('weight-zero', [], 0),
          makeFloatTensor('output-scale', [], [outputScale]),
        ],
        input: [makeValueInfo('x', DATA_TYPE.UINT8, DIMS)],
        output: [makeValueInfo('y', DATA_TYPE.UINT8, DIMS)],
      },
    }) as Model,
  );
}

/**
 * Finds out how the inference library's CPU provider multiplies uint8 by int8 here; takes a few milliseconds. CPU flags
 * are not trusted: emulators and migrated virtual machines show wrong ones.
 */
export async function probeInt8Arithmetic(): Promise<Int8Arithmetic> {
  const session = await GraphSession.load(probeModel(), { provider: 'cpu', threads: 1 });
  try {
    const pixels = new Uint8Array(CHANNELS * SIDE * SIDE).fill(255);
    const [sums] = await session.run({ x: makeFeed(pixels, DIMS) });
    return sums?.data.every((value) => Number(value) === EXACT) === true ? 'exact' : 'saturating';
  } finally {
    await session.close();
  }
}
