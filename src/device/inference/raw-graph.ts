import type { OutputTensor } from '../../core/heads/head.ts';
import { letterboxFor, type LetterboxResize } from '../../core/image/letterbox.ts';
import { isEngineContext } from '../../model/onnx/engine-context.ts';
import { readModel, writeModel } from '../../model/onnx/model.ts';
import { addRawInput, AVERAGE_FROM, gridFor, RAW_INPUTS } from '../../model/onnx/raw-input.ts';
import { swapInputChannels } from '../../model/onnx/channels.ts';
import type { InferenceInput } from './engine.ts';
import { OutputBuffers, toOutputTensors } from './output-buffers.ts';
import type { ModelRequest } from './runner-messages.ts';
import { GraphSession, makeFeed, type SessionOptions } from './session.ts';

/** Which graph for raw frames. Each has its own copy of the weights, so they are created on demand. */
export interface RawPlan {
  readonly encoding: 'rgb8' | 'bgr8';
  readonly resize: 'interpolate' | 'average';
}

/** The graph that a frame needs. */
export function planFor({ encoding, letterbox }: InferenceInput, resize: LetterboxResize): RawPlan {
  const averages =
    resize === 'average' &&
    letterbox.sourceWidth >= AVERAGE_FROM * letterbox.scaledWidth &&
    letterbox.sourceHeight >= AVERAGE_FROM * letterbox.scaledHeight;
  return {
    encoding: encoding === 'bgr8' ? 'bgr8' : 'rgb8',
    resize: averages ? 'average' : 'interpolate',
  };
}

/**
 * False for a prebuilt engine: ONNX Runtime reliably loads a file only if the engine is its only node, and raw frames
 * would need other nodes next to it.
 */
export function takesRaw(model: Uint8Array, bundle: string): boolean {
  return !isEngineContext(readModel(model, bundle));
}

/** The bundle's graph with the letterbox in front: camera images of any size, one at a time. */
export class RawGraph {
  readonly #session: GraphSession;
  readonly #outputs: OutputBuffers;
  readonly #sizes = new BigInt64Array([1n, 0n, 0n, 3n]);
  readonly #pads = new BigInt64Array(8);
  readonly #firstGrid = new Float32Array(8);
  readonly #secondGrid = new Float32Array(8);
  readonly #plan: RawPlan;
  /** rows without padding, for cameras whose `step` is wider than a row */
  #packed = new Uint8Array(0);

  private constructor(session: GraphSession, plan: RawPlan) {
    this.#plan = plan;
    this.#session = session;
    this.#outputs = new OutputBuffers(session.outputs);
  }

  /** Channel order moves into the graph: `bgr8` costs nothing per frame if a convolution can absorb it. */
  static async load(
    model: Uint8Array,
    request: Pick<ModelRequest, 'bundle' | 'inputWidth' | 'inputHeight' | 'padValue'>,
    plan: RawPlan,
    options: SessionOptions,
  ): Promise<RawGraph> {
    const edited = readModel(model, request.bundle);
    if (plan.encoding === 'bgr8') swapInputChannels(edited);
    addRawInput(edited, { ...request, resize: plan.resize });
    return new RawGraph(await GraphSession.load(writeModel(edited), options), plan);
  }

  /** The next run overwrites the returned values. */
  async run(input: InferenceInput): Promise<OutputTensor[]> {
    const { sourceWidth, sourceHeight, scaledWidth, scaledHeight, padX, padY, inputWidth, inputHeight } =
      input.letterbox;
    this.#sizes[1] = BigInt(scaledHeight);
    this.#sizes[2] = BigInt(scaledWidth);
    this.#pads[1] = BigInt(padY);
    this.#pads[2] = BigInt(padX);
    this.#pads[5] = BigInt(inputHeight - scaledHeight - padY);
    this.#pads[6] = BigInt(inputWidth - scaledWidth - padX);
    const feeds: Parameters<GraphSession['run']>[0] = {
      [RAW_INPUTS.frame]: makeFeed(this.#rows(input), [1, sourceHeight, sourceWidth, 3]),
      [RAW_INPUTS.sizes]: makeFeed(this.#sizes, [4]),
      [RAW_INPUTS.pads]: makeFeed(this.#pads, [8]),
      ...(this.#plan.resize === 'average' ? this.#grids(input) : {}),
    };
    return toOutputTensors(await this.#session.run(feeds, this.#outputs.forBatch(1)));
  }

  /**
   * Runs a gray frame twice the size of the network's input, so that the first camera frame does not pay for memory and
   * kernels.
   */
  async warmUp({ inputWidth, inputHeight }: Pick<ModelRequest, 'inputWidth' | 'inputHeight'>): Promise<void> {
    const [width, height] = [2 * inputWidth, 2 * inputHeight];
    const letterbox = letterboxFor(width, height, inputWidth, inputHeight, 'top-left');
    const pixels = new Uint8Array(width * height * 3).fill(114);
    await this.run({ kind: 'raw', pixels, letterbox, encoding: this.#plan.encoding, step: width * 3 });
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #grids({ letterbox }: InferenceInput): Parameters<GraphSession['run']>[0] {
    const source = { width: letterbox.sourceWidth, height: letterbox.sourceHeight };
    const scaled = { width: letterbox.scaledWidth, height: letterbox.scaledHeight };
    gridFor(source, scaled, -1, this.#firstGrid);
    gridFor(source, scaled, 1, this.#secondGrid);
    return {
      [RAW_INPUTS.firstGrid]: makeFeed(this.#firstGrid, [8]),
      [RAW_INPUTS.secondGrid]: makeFeed(this.#secondGrid, [8]),
    };
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
