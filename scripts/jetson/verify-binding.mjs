// verify-binding.mjs PACKAGE PROVIDER...: loads onnxruntime-node from its folder, runs a small graph on each
// provider. A provider list shows what a binding was built with; only a run shows that it has kernels for
// this GPU.
import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {typeof import('onnxruntime-node')} OnnxRuntime */

const VARINT = 0;
const BYTES = 2;

/**
 * A protobuf field: a number below 128, a string, or the bytes of a message, both shorter than 128 bytes.
 * @param {number} number
 * @param {number | string | Buffer} value
 */
function field(number, value) {
  if (typeof value === 'number') return Buffer.from([(number << 3) | VARINT, value]);
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.from([(number << 3) | BYTES, bytes.length]), bytes]);
}

/** @param {readonly Buffer[]} fields */
const message = (...fields) => Buffer.concat(fields);

/** An ONNX file: `y = Relu(x)`, float32 [1, 3, 8, 8], opset 13. Field numbers are those of onnx.proto. */
export function reluModel() {
  const shape = message(...[1, 3, 8, 8].map((size) => field(1, field(1, size))));
  const type = field(1, message(field(1, 1), field(2, shape)));
  /** @param {string} name */
  const value = (name) => message(field(1, name), field(2, type));
  const node = message(field(1, 'x'), field(2, 'y'), field(4, 'Relu'));
  const graph = message(field(1, node), field(2, 'relu'), field(11, value('x')), field(12, value('y')));
  return message(field(1, 8), field(7, graph), field(8, field(2, 13)));
}

/**
 * Runs the whole graph on one provider: nodes that fall back to the CPU are an error.
 * Rejects with ONNX Runtime's error, or ours if the result is wrong.
 * @param {Pick<OnnxRuntime, 'listSupportedBackends' | 'InferenceSession' | 'Tensor'>} ort
 * @param {string} provider
 */
export async function tryProvider(ort, provider) {
  if (!ort.listSupportedBackends().some(({ name }) => name === provider)) {
    throw new Error('the binding was built without it');
  }
  const strict = provider === 'cpu' ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } };
  const session = await ort.InferenceSession.create(reluModel(), {
    executionProviders: [provider],
    ...strict,
  });
  const input = Float32Array.from({ length: 192 }, (_, index) => index - 96);
  const { y } = await session.run({ x: new ort.Tensor('float32', input, [1, 3, 8, 8]) });
  await session.release();
  if (!input.every((number, index) => y?.data[index] === Math.max(0, number))) {
    throw new Error('it ran and returned wrong numbers');
  }
}

/** @param {unknown} error */
const words = (error) => (error instanceof Error ? error.message : String(error));

/** @param {readonly string[]} args */
async function main([folder = '', ...providers]) {
  /** @type {unknown} */
  const loaded = createRequire(import.meta.url)(path.resolve(folder));
  const ort = /** @type {OnnxRuntime} */ (loaded);
  for (const provider of providers) {
    try {
      await tryProvider(ort, provider);
      console.log(`${provider}: runs`);
    } catch (error) {
      console.error(`${provider}: ${words(error)}`);
      process.exitCode = 1;
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(process.argv.slice(2)).catch((/** @type {unknown} */ error) => {
    console.error(`the binding does not load: ${words(error)}`);
    process.exitCode = 1;
  });
}
