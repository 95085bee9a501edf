import type { BundleManifest } from '../../contract/bundle.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { SettingRequest } from '../../core/sizing/settings.ts';
import type { Bundle } from '../../model/bundle.ts';
import { openBundle } from '../authoring/open-bundle.ts';
import type { EngineInfo } from '../inference/engine.ts';
import { createSizedEngine, type SizedEngineOptions } from '../inference/sized-engine.ts';
import type { LimitsPatch } from '../pipeline/limit-table.ts';
import type { FramePipeline } from '../pipeline/pipeline.ts';

export interface ModelSwitchOptions {
  readonly pipeline: Pick<FramePipeline, 'swap' | 'engineInfo' | 'state'>;
  /** how the configured bundle is run */
  readonly engine: SizedEngineOptions;
  /** The limits of the operator for a model, asked for when it takes over. */
  readonly limits: (manifest: BundleManifest) => LimitsPatch;
  /** A model took over, of a pipeline that goes on. What it throws is logged. */
  readonly onSwapped?: (bundle: Bundle) => void;
  readonly log: (line: string) => void;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Switches a session between the configured bundle and others. */
export class ModelSwitch {
  readonly #options: ModelSwitchOptions;
  #running: Bundle;
  /** how the configured bundle ran when another one took over; null if that is not known to work */
  #configured: EngineInfo | null = null;

  constructor(options: ModelSwitchOptions) {
    this.#options = options;
    this.#running = options.engine.bundle;
  }

  /** The bundle that gets the cameras' frames. */
  get running(): Bundle {
    return this.#running;
  }

  /**
   * Runs another bundle without a gap.
   * @param reference a name or path; null: the configured bundle
   * @throws GoshawkError of a bundle or engine that cannot be used, `GOSHAWK_SWAP_SAME`, `GOSHAWK_SWAP_LABELS`; what
   * runs goes on then
   */
  async to(reference: string | null): Promise<void> {
    const { pipeline, engine, limits, log } = this.#options;
    const bundle = reference === null ? engine.bundle : await openBundle(reference, log);
    const { name, version } = bundle.manifest;
    if (bundle.digest === pipeline.engineInfo?.bundle.digest)
      throw new GoshawkError('GOSHAWK_SWAP_SAME', { bundle: `${name}@${version}` });
    const startedMs = performance.now();
    this.#noteConfigured();
    try {
      await pipeline.swap({
        engine: createSizedEngine(reference === null ? this.#asBefore() : this.#like(bundle)),
        manifest: bundle.manifest,
        limits: () => {
          this.#running = bundle;
          return limits(bundle.manifest);
        },
      });
    } catch (error) {
      // the way in which it ran may be what does not work any more
      if (reference === null) this.#configured = null;
      throw error;
    }
    this.#tell(bundle);
    const ms = Math.round(performance.now() - startedMs);
    log(`MODEL_SWAPPED: ${name}@${version} (${bundle.digest}) runs since now; it took ${String(ms)} ms`);
  }

  /** The model runs, so nothing that goes wrong here may look as if it did not. */
  #tell(bundle: Bundle): void {
    const { pipeline, onSwapped, log } = this.#options;
    if (pipeline.state === 'closing' || pipeline.state === 'closed') return;
    try {
      onSwapped?.(bundle);
    } catch (error) {
      log(`what follows a change of the model failed: ${describeError(error)}`);
    }
  }

  #noteConfigured(): void {
    const info = this.#options.pipeline.engineInfo;
    if (info?.bundle.digest === this.#options.engine.bundle.digest) this.#configured = info;
  }

  /** The configured bundle, as it ran before: what to choose was measured when no frames were there to disturb. */
  #asBefore(): SizedEngineOptions {
    const { engine } = this.#options;
    return this.#configured === null ? engine : { ...engine, like: this.#configured };
  }

  /**
   * An engine for another bundle, in the setting that runs: measuring settings while frames flow would delay them, and
   * measure wrongly. A variant that the operator chose is one of the configured bundle.
   */
  #like(bundle: Bundle): SizedEngineOptions {
    const engine: Mutable<SizedEngineOptions> = {
      ...this.#options.engine,
      bundle,
      sizing: this.#setting(),
    };
    delete engine.variant;
    return engine;
  }

  #setting(): SettingRequest {
    const info = this.#options.pipeline.engineInfo;
    if (info === null) return this.#options.engine.sizing;
    const { workers, threads, queueDepth } = info;
    return { workers, threads, queueDepth };
  }
}
