import type { OutputTensor } from '../../core/heads/head.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import { readModel, writeModel } from '../bundles/onnx/model.ts';
import { addRawInput, RAW_INPUTS } from '../bundles/onnx/raw-input.ts';
import { swapInputChannels } from '../bundles/onnx/channels.ts';
import type { InferenceInput } from './engine.ts';
import { OutputBuffers, toOutputTensors } from './output-buffers.ts';
import type { ModelRequest } from './protocol.ts';
import { GraphSession, makeFeed, type SessionOptions } from './session.ts';

export type RawEncoding = 'rgb8' | 'bgr8';

/** The bundle's graph with the letterbox in front of it: camera pictures of any size, one at a time. */
export class RawGraph {
  readonly #session: GraphSession;
  readonly #outputs: OutputBuffers;
  readonly #sizes = new BigInt64Array([1n, 0n, 0n, 3n]);
  readonly #pads = new BigInt64Array(8);
  /** rows without the bytes between them, for cameras whose `step` is wider than a row */
  #packed = new Uint8Array(0);

  private constructor(session: GraphSession) {
    this.#session = session;
    this.#outputs = new OutputBuffers(session.outputs);
  }

  /** Channel order is moved into the graph: `bgr8` costs nothing per frame where a convolution can take it in. */
  static async load(
    model: Uint8Array,
    request: Pick<ModelRequest, 'bundle' | 'inputWidth' | 'inputHeight' | 'padValue'>,
    encoding: RawEncoding,
    options: SessionOptions,
  ): Promise<RawGraph> {
    const edited = readModel(model, request.bundle);
    if (encoding === 'bgr8') swapInputChannels(edited);
    addRawInput(edited, request);
    return new RawGraph(await GraphSession.load(writeModel(edited), options));
  }

  /** What comes back is overwritten by the next run. */
  async run(input: InferenceInput): Promise<OutputTensor[]> {
    const { sourceWidth, sourceHeight, scaledWidth, scaledHeight, padX, padY, inputWidth, inputHeight } =
      input.letterbox;
    this.#sizes[1] = BigInt(scaledHeight);
    this.#sizes[2] = BigInt(scaledWidth);
    this.#pads[1] = BigInt(padY);
    this.#pads[2] = BigInt(padX);
    this.#pads[5] = BigInt(inputHeight - scaledHeight - padY);
    this.#pads[6] = BigInt(inputWidth - scaledWidth - padX);
    const feeds = {
      [RAW_INPUTS.frame]: makeFeed(this.#rows(input), [1, sourceHeight, sourceWidth, 3]),
      [RAW_INPUTS.sizes]: makeFeed(this.#sizes, [4]),
      [RAW_INPUTS.pads]: makeFeed(this.#pads, [8]),
    };
    return toOutputTensors(await this.#session.run(feeds, this.#outputs.forBatch(1)));
  }

  /** Runs a small gray frame, so that the first camera frame does not pay for memory and kernels. */
  async warmUp({ inputWidth, inputHeight }: Pick<ModelRequest, 'inputWidth' | 'inputHeight'>): Promise<void> {
    const letterbox = letterboxFor(64, 48, inputWidth, inputHeight, 'top-left');
    const pixels = new Uint8Array(64 * 48 * 3).fill(114);
    await this.run({ kind: 'raw', pixels, letterbox, encoding: 'rgb8', step: 64 * 3 });
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #rows(input: InferenceInput): Uint8Array {
    const { pixels, step, letterbox } = input;
    const rowBytes = letterbox.sourceWidth * 3;
    const bytes = rowBytes * letterbox.sourceHeight;
    if (step === rowBytes) return pixels.subarray(0, bytes);
    if (this.#packed.byteLength < bytes) this.#packed = new Uint8Array(bytes);
    for (let y = 0; y < letterbox.sourceHeight; y += 1) {
      this.#packed.set(pixels.subarray(y * step, y * step + rowBytes), y * rowBytes);
    }
    return this.#packed.subarray(0, bytes);
  }
}
