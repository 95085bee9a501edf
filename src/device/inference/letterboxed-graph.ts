import type { OutputTensor } from '../../core/heads/head.ts';
import type { InferenceInput } from './engine.ts';
import { checkInput, checkOutputs } from './graph-check.ts';
import type { GraphClaims } from '../../model/bundle.ts';
import { OutputBuffers, toOutputTensors } from './output-buffers.ts';
import type { ProfiledNode } from './profile.ts';
import { GraphSession, makeFeed, type SessionOptions } from './session.ts';

/** The bundle's graph as is: takes letterboxed images, one or several at a time. */
export class LetterboxedGraph {
  /** images per run: the maximum if the batch size is dynamic, otherwise exactly that many */
  readonly maxBatch: number;
  readonly #session: GraphSession;
  readonly #inputName: string;
  readonly #fixedBatch: number | null;
  readonly #claims: GraphClaims;
  readonly #outputs: OutputBuffers;
  /** images of one batch in a row; allocated for the first batch of more than one */
  #batch: Uint8Array | null = null;

  private constructor(session: GraphSession, claims: GraphClaims, maxBatch: number) {
    const input = checkInput(claims, session.inputs);
    const first = input.dims[0];
    this.#session = session;
    this.#claims = claims;
    this.#inputName = input.name;
    this.#fixedBatch = typeof first === 'number' ? first : null;
    this.maxBatch = this.#fixedBatch ?? maxBatch;
    this.#outputs = new OutputBuffers(session.outputs);
  }

  /** Rejects with a coded error if the graph does not match the claims, else with ONNX Runtime's own error. */
  static async load(
    model: Uint8Array,
    claims: GraphClaims,
    maxBatch: number,
    options: SessionOptions,
  ): Promise<LetterboxedGraph> {
    const session = await GraphSession.load(model, options);
    try {
      return new LetterboxedGraph(session, claims, maxBatch);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Bytes of one image. */
  get imageBytes(): number {
    return this.#claims.inputWidth * this.#claims.inputHeight * 3;
  }

  /** Runs `count` images, 1..maxBatch, from `inputs[start]` on. The next run overwrites the returned values. */
  async run(inputs: readonly InferenceInput[], start: number, count: number): Promise<OutputTensor[]> {
    const size = this.#fixedBatch ?? count;
    return this.#runPixels(this.#gather(inputs, start, count, size), size);
  }

  /** Runs an empty image and checks the outputs against the manifest. */
  async warmUp(): Promise<void> {
    const size = this.#fixedBatch ?? 1;
    const outputs = await this.#runPixels(new Uint8Array(size * this.imageBytes), size);
    checkOutputs(
      this.#claims,
      this.#session.outputs.map(({ name }, i) => ({ name, dims: outputs[i]?.dims ?? [] })),
    );
  }

  takeProfile(): Promise<ProfiledNode[]> {
    return this.#session.takeProfile();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #runPixels(pixels: Uint8Array, size: number): Promise<OutputTensor[]> {
    const { inputHeight, inputWidth } = this.#claims;
    const feeds = { [this.#inputName]: makeFeed(pixels, [size, inputHeight, inputWidth, 3]) };
    return toOutputTensors(await this.#session.run(feeds, this.#outputs.forBatch(size)));
  }

  #gather(inputs: readonly InferenceInput[], start: number, count: number, size: number): Uint8Array {
    const only = inputs[start];
    if (size === 1 && only !== undefined) return only.pixels;
    const bytes = this.imageBytes;
    this.#batch ??= new Uint8Array(this.maxBatch * bytes);
    for (let i = 0; i < count; i += 1) {
      const input = inputs[start + i];
      if (input !== undefined) this.#batch.set(input.pixels, i * bytes);
    }
    return this.#batch.subarray(0, size * bytes);
  }
}
