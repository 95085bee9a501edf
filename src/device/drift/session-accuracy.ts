import type { AccuracyFit } from '../../contract/accuracy-fit.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import type { CameraDrift } from '../../core/drift/camera-drift.ts';
import { CameraAccuracy, unavailable } from '../../core/drift/accuracy/estimate.ts';
import type { DriftSummary } from '../../core/drift/summary.ts';
import { accuracyWords, causeOfWorse, type AccuracyEstimate } from '../../core/drift/window-accuracy.ts';
import type { OpenFit } from './open-fit.ts';

type EventBody = StreamBody<'event'>;

/** How well the model of one session sees, by camera. */
export class SessionAccuracy {
  /** null while it is being read */
  #fit: OpenFit | null = null;
  readonly #cameras = new Map<string, CameraAccuracy>();
  /** cameras whose model sees worse, by the last estimate */
  readonly #worse = new Set<string>();
  readonly #newest = new Map<string, AccuracyEstimate>();

  use(fit: OpenFit): void {
    this.#fit = fit;
  }

  /** Why there can be no estimate; null if there can, or while the fit is being read. */
  get reason(): string | null {
    return this.#fit !== null && 'reason' in this.#fit ? this.#fit.reason : null;
  }

  /**
   * Takes a window that is over.
   * @param at when, ISO 8601 @param own means of the camera's own good frames; null without a reference
   */
  update(
    window: CameraDrift,
    at: string,
    own: DriftSummary | null,
  ): { readonly estimate: AccuracyEstimate; readonly event: EventBody | null } {
    const found =
      this.#fit !== null && 'fit' in this.#fit
        ? this.#camera(window.camera, this.#fit.fit).update(window, own)
        : unavailable(this.reason ?? 'the accuracy fit is being read');
    const estimate = { at, ...found };
    this.#newest.set(window.camera, estimate);
    return {
      estimate,
      event: this.#isNews(window.camera, estimate) ? eventOf(estimate, window) : null,
    };
  }

  /**
   * A camera has sent nothing for long: nothing is known of it any more, and its next window begins anew.
   * @returns an event if its model saw worse
   */
  forget(camera: string): EventBody | null {
    this.#cameras.delete(camera);
    this.#newest.delete(camera);
    if (!this.#worse.delete(camera)) return null;
    const text = 'no frame for long: whether the model still sees worse is not known';
    return { kind: 'accuracy_over', severity: 'info', camera, frames: [], text, values: {} };
  }

  /** The newest of a camera. */
  estimateOf(camera: string): AccuracyEstimate | undefined {
    return this.#newest.get(camera);
  }

  /** The newest of each camera. */
  estimates(): Record<string, AccuracyEstimate> {
    return Object.fromEntries(this.#newest);
  }

  /** Without an estimate nothing is news: what was known last stays. */
  #isNews(camera: string, { state }: AccuracyEstimate): boolean {
    if (state === 'unavailable' || (state === 'worse') === this.#worse.has(camera)) return false;
    if (state === 'worse') this.#worse.add(camera);
    else this.#worse.delete(camera);
    return true;
  }

  #camera(name: string, fit: AccuracyFit): CameraAccuracy {
    const known = this.#cameras.get(name);
    if (known !== undefined) return known;
    const made = new CameraAccuracy(fit);
    this.#cameras.set(name, made);
    return made;
  }
}

function eventOf(estimate: AccuracyEstimate, { camera, verdict }: CameraDrift): EventBody {
  const { state, share, low, high } = estimate;
  const isWorse = state === 'worse';
  const cause = isWorse ? causeOfWorse(verdict) : null;
  return {
    kind: isWorse ? 'accuracy_worse' : 'accuracy_over',
    severity: isWorse ? 'warning' : 'info',
    camera,
    frames: [],
    text:
      cause === null ? accuracyWords(estimate) : `${accuracyWords(estimate)}; likely cause: ${cause.words}`,
    values: {
      ...(share === null || low === null || high === null ? {} : { share, low, high }),
      ...(cause === null ? {} : { cause: cause.name }),
    },
  };
}
