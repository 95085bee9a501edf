import type { OutputTensor } from '../../core/heads/head.ts';
import { makeFetch, type OutputValue, type TensorInfo } from './session.ts';

type Fetches = Record<string, ReturnType<typeof makeFetch>>;

const NO_FETCHES: Fetches = {};

/**
 * Buffers for a graph's outputs, one set per batch size: allocating a megabyte per frame would keep the garbage
 * collector busy. Outputs whose size is only known after a run get none.
 */
export class OutputBuffers {
  readonly #outputs: readonly TensorInfo[];
  readonly #byBatch = new Map<number, Fetches>();

  constructor(outputs: readonly TensorInfo[]) {
    this.#outputs = outputs;
  }

  forBatch(batch: number): Fetches {
    let fetches = this.#byBatch.get(batch);
    if (fetches === undefined) {
      fetches = this.#make(batch);
      this.#byBatch.set(batch, fetches);
    }
    return fetches;
  }

  #make(batch: number): Fetches {
    const fetches: Fetches = {};
    for (const { name, type, dims } of this.#outputs) {
      const sizes = dims.map((dim, axis) => (axis === 0 && typeof dim === 'string' ? batch : dim));
      if (type !== 'float32' || !sizes.every((size) => typeof size === 'number')) return NO_FETCHES;
      fetches[name] = makeFetch(new Float32Array(sizes.reduce((total, size) => total * size, 1)), sizes);
    }
    return fetches;
  }
}

/** Outputs as decoders read them: 64-bit counts and classes become 32-bit. Throws for any other type. */
export function toOutputTensors(values: readonly OutputValue[]): OutputTensor[] {
  return values.map(({ name, data, dims }) => {
    if (data instanceof Float32Array || data instanceof Int32Array) return { data, dims };
    if (data instanceof BigInt64Array) return { data: Int32Array.from(data, Number), dims };
    throw new Error(`output ${name} is neither float nor integer`);
  });
}
