import { driftBenchReportSchema, type DriftBenchReport, type DriftCost } from '../../contract/bench.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { letterboxFor, type Letterbox } from '../../core/image/letterbox.ts';
import { LetterboxResizer } from '../../core/image/resize.ts';
import { createEngine } from '../../device/inference/create-engine.ts';
import type { InferenceEngine, InferenceInput } from '../../device/inference/engine.ts';
import { toDecodeLimits } from '../../device/pipeline/decode-limits.ts';
import { defaultLimits } from '../../device/pipeline/limit-table.ts';
import type { Bundle } from '../../model/bundle.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { drawScenes, SCENES } from './scenes.ts';
import { spreadOf } from './statistics.ts';

/** Frames that are not measured: code is compiled and caches fill meanwhile. */
const WARM_UP = 200;

export interface DriftBenchOptions {
  readonly bundle: Bundle;
  /** of the camera's frames, pixels */
  readonly width: number;
  readonly height: number;
  /** for each kind of input */
  readonly frames: number;
  readonly threads: number;
  readonly signal: AbortSignal;
}

/**
 * Runs frames through one worker, every second one with statistics, so that whatever else the machine does meanwhile
 * meets both alike.
 * @throws GoshawkError of the engine, or GOSHAWK_INTERRUPTED
 */
export async function benchDrift(options: DriftBenchOptions): Promise<DriftBenchReport> {
  const { bundle, width, height, frames, threads } = options;
  const startedAt = new Date().toISOString();
  const engine = createEngine({ bundle, threads });
  try {
    const info = await engine.start();
    const scenes = drawScenes(width, height);
    const letterboxed = await measure(engine, letterboxedInputs(options, scenes), options);
    const raw = info.acceptsRaw ? await measure(engine, rawInputs(options, scenes), options) : null;
    return driftBenchReportSchema.parse({
      schema: 'goshawk.report.bench-drift/1',
      startedAt,
      host: describeHost([info.provider]),
      bundle: info.bundle,
      width,
      height,
      frames,
      threads,
      letterboxed,
      raw,
    } satisfies DriftBenchReport);
  } finally {
    await engine.close();
  }
}

function letterboxOf({ bundle, width, height }: DriftBenchOptions): Letterbox {
  const { input } = bundle.manifest;
  return letterboxFor(width, height, input.width, input.height, input.anchor);
}

function rawInputs(options: DriftBenchOptions, scenes: readonly Uint8Array<ArrayBuffer>[]): InferenceInput[] {
  const letterbox = letterboxOf(options);
  const step = options.width * 3;
  return scenes.map((pixels) => ({ kind: 'raw', pixels, letterbox, encoding: 'rgb8', step }));
}

function letterboxedInputs(
  options: DriftBenchOptions,
  scenes: readonly Uint8Array<ArrayBuffer>[],
): InferenceInput[] {
  const { width, height } = options;
  const letterbox = letterboxOf(options);
  const { inputWidth, inputHeight } = letterbox;
  const resizer = new LetterboxResizer(letterbox, 'antialias', options.bundle.manifest.input.padValue);
  return scenes.map((data) => {
    const pixels = new Uint8Array(inputWidth * inputHeight * 3);
    resizer.resize({ width, height, encoding: 'rgb8', step: width * 3, data }, pixels);
    return { kind: 'letterboxed', pixels, letterbox, encoding: 'rgb8', step: inputWidth * 3 };
  });
}

async function measure(
  engine: InferenceEngine,
  inputs: InferenceInput[],
  { bundle, frames, signal }: DriftBenchOptions,
): Promise<DriftCost> {
  const { thresholds, labels } = bundle.manifest;
  const limits = toDecodeLimits(defaultLimits(thresholds), labels, null);
  const total: [number[], number[]] = [[], []];
  const decode: [number[], number[]] = [[], []];
  for (let frame = -WARM_UP; frame < frames; frame += 1) {
    signal.throwIfAborted();
    // each scene twice in a row, so that both halves see the same
    const place = ((frame + WARM_UP) % (2 * SCENES)) >> 1;
    const input = inputs[place];
    if (input === undefined) continue;
    const kind = (frame & 1) === 0 ? 0 : 1;
    const started = performance.now();
    const { items, times } = await engine.infer([{ ...input, wantsStatistics: kind === 1 }], limits);
    const ended = performance.now();
    const [item] = items;
    if (item?.ok !== true)
      throw new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason: item?.message ?? 'no result' });
    inputs[place] = { ...input, pixels: item.pixels };
    engine.recycle?.(item.detections);
    if (frame < 0) continue;
    total[kind].push(ended - started);
    decode[kind].push(times.decode);
  }
  const spreads = { total: compare(total), decode: compare(decode) };
  return { ...spreads, p99Ratio: spreads.total.with.p99 / spreads.total.without.p99 };
}

const compare = ([without, measured]: [number[], number[]]): DriftCost['total'] => ({
  without: spreadOf(without),
  with: spreadOf(measured),
});
