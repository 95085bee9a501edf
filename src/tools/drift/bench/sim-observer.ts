import { GoshawkError } from '../../../contract/errors.ts';
import type { Detections } from '../../../core/detections.ts';
import { Observer } from '../../../core/drift/observe/observer.ts';
import { letterboxFor } from '../../../core/image/letterbox.ts';
import { createEngine } from '../../../device/inference/create-engine.ts';
import type { InferenceEngine } from '../../../device/inference/engine.ts';
import type { Bundle } from '../../../model/bundle.ts';
import type { Conditions } from '../../../sim/drawing/conditions.ts';
import { SceneRenderer } from '../../../sim/scene.ts';
import { createWorld } from '../../../sim/world.ts';

/** Pixels of the simulated camera. */
const WIDTH = 640;
const HEIGHT = 360;
const PATIENCE = { timeoutMs: 120_000, startTimeoutMs: 600_000 };

/** A period of a simulated street. */
export interface SimPeriod {
  /** of the street */
  readonly seed: number;
  readonly conditions: Conditions;
  /** seconds of the street's own time */
  readonly from: number;
  readonly seconds: number;
}

interface Inferred {
  readonly statistics: Float32Array;
  readonly detections: Detections;
}

/** Observes simulated streets as a robot does, but as fast as they can be rendered: only frames that count are made. */
export class SimObserver {
  readonly #bundle: Bundle;
  readonly #engine: InferenceEngine;
  readonly #renderer = new SceneRenderer(WIDTH, HEIGHT);

  private constructor(bundle: Bundle, engine: InferenceEngine) {
    this.#bundle = bundle;
    this.#engine = engine;
  }

  static async open(bundle: Bundle): Promise<SimObserver> {
    const engine = createEngine({ threads: 1, ...PATIENCE, bundle, inputs: 'raw' });
    await engine.start();
    return new SimObserver(bundle, engine);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  /** One observation for each second. @throws GoshawkError GOSHAWK_INFERENCE_FAILED */
  async observe({ seed, conditions, from, seconds }: SimPeriod): Promise<Float64Array[]> {
    const observer = new Observer();
    const world = createWorld(seed);
    const rows: Float64Array[] = [];
    const note = ({ statistics, detections }: Inferred, second: number): void => {
      const row = observer.observe(statistics, detections, { width: WIDTH, height: HEIGHT }, second * 1000);
      if (row !== null) rows.push(row.slice());
      this.#engine.recycle?.(detections);
    };
    let before: Promise<Inferred> | null = null;
    for (let second = 0; second < seconds; second += 1) {
      const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
      this.#renderer.render(world, from + second, conditions, pixels);
      // the engine works on a frame while the next one is rendered
      if (before !== null) note(await before, second - 1);
      before = this.#infer(pixels);
    }
    if (before !== null) note(await before, seconds - 1);
    return rows;
  }

  async #infer(pixels: Uint8Array<ArrayBuffer>): Promise<Inferred> {
    const { input, thresholds } = this.#bundle.manifest;
    const letterbox = letterboxFor(WIDTH, HEIGHT, input.width, input.height, input.anchor);
    const { items } = await this.#engine.infer(
      [{ kind: 'raw', pixels, letterbox, encoding: 'rgb8', step: WIDTH * 3, wantsStatistics: true }],
      {
        scoreThreshold: thresholds.score,
        iouThreshold: thresholds.iou,
        maxDetections: thresholds.maxDetections,
        classFilter: null,
      },
    );
    const item = items[0];
    if (item?.ok === true && item.statistics !== undefined)
      return { statistics: item.statistics, detections: item.detections };
    const reason = item?.ok === false ? item.message : 'the frame was not measured';
    throw new GoshawkError('GOSHAWK_INFERENCE_FAILED', { reason });
  }
}
