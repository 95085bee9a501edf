import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { reluModel, tryProvider } from '../../../scripts/jetson/verify-binding.mjs';

describe('trial run of a binding', () => {
  it('runs its graph on the CPU', async () => {
    await expect(tryProvider(ort, 'cpu')).resolves.toBeUndefined();
  });

  it('refuses a provider that the binding was built without', async () => {
    await expect(tryProvider(ort, 'abacus')).rejects.toThrow('the binding was built without it');
  });

  it('refuses wrong numbers', async () => {
    const wrong = {
      ...ort,
      listSupportedBackends: () => [{ name: 'cuda', bundled: false }],
      InferenceSession: {
        create: () =>
          Promise.resolve({
            run: () => Promise.resolve({ y: { data: new Float32Array(192) } }),
            release: () => Promise.resolve(),
          }),
      },
    };
    await expect(tryProvider(wrong as unknown as typeof ort, 'cuda')).rejects.toThrow(
      'it ran and returned wrong numbers',
    );
  });

  it('writes a graph of one node that ONNX Runtime reads as intended', async () => {
    const session = await ort.InferenceSession.create(reluModel());
    expect(session.inputMetadata).toMatchObject([{ name: 'x', type: 'float32', shape: [1, 3, 8, 8] }]);
    expect(session.outputMetadata).toMatchObject([{ name: 'y', type: 'float32', shape: [1, 3, 8, 8] }]);
  });
});
