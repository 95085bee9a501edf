import { addCameras, type CameraDrift } from '../camera-drift.ts';
import { summaryOf, type DriftSummary } from '../summary.ts';
import type { AccuracyEstimate } from '../window-accuracy.ts';
import { shareOf, type ShareModel } from './fit.ts';

/** Frames that an estimate is of, at least. */
export const MIN_FRAMES = 250;
/** Boxes above 0.3 in them, at least: an empty scene and a blind model look alike. */
const MIN_SCORED = 20;
/** With less than this share of the boxes of a camera's own good frames, the model is blind, and no scene empty. */
const BLIND_SHARE = 0.05;
/** Estimates in a row that must say so, and that must no longer say so. */
const HOLDS_FOR = 2;
/** Windows with too few frames are merged with those before; older ones than so many do not count. */
const MAX_WINDOWS = 60;

const NEEDS_REFERENCE =
  'the accuracy fit knows too few scene mixes for cameras without a reference of their own';

/** A model of the share kept, and how far off its estimates are. */
export interface FittedModel extends ShareModel {
  readonly errors: { readonly low: number; readonly high: number };
  /** an estimate below says that the model sees worse (`operatingPoint`) */
  readonly worseBelow: number;
}

interface FittedModels {
  /** for windows with tracks; null uses the other one */
  readonly tracked: FittedModel | null;
  readonly untracked: FittedModel;
}

/** What estimates of one camera follow from, by what frames are compared with. */
export interface AccuracyModel {
  readonly own: FittedModels;
  /** null if the fit is of too few scene mixes to say how far off it is in other scenes */
  readonly others: FittedModels | null;
  /** means of clean frames, by where images are resized */
  readonly baseline: { readonly graph: DriftSummary; readonly sharp: DriftSummary };
}

/** An estimate without the time. */
type Found = Omit<AccuracyEstimate, 'at'>;

/** Says that there is no estimate. */
export function unavailable(reason: string, frames = 0): Found {
  return { state: 'unavailable', share: null, low: null, high: null, frames, baseline: null, reason };
}

/** Estimates for one camera, window by window, how much of its accuracy the model keeps. */
export class CameraAccuracy {
  readonly #accuracy: AccuracyModel;
  #windows: CameraDrift[] = [];
  /** what `#windows` are compared with */
  #own: DriftSummary | null = null;
  /** since the last estimate that counted */
  #newFrames = 0;
  #isWorse = false;
  /** estimates in a row that contradict `#isWorse` */
  #against = 0;

  constructor(accuracy: AccuracyModel) {
    this.#accuracy = accuracy;
  }

  /**
   * Takes the next window. The estimate is of the newest windows that have enough frames together; a window without
   * frames begins anew, and so does another baseline. A camera that sees worse does so until estimates say that it no
   * longer does: losing sight of everything is no recovery.
   * @param own means of the camera's own good frames, the same object while its context is the same; null compares with
   *   the pictures that the fit was made from
   */
  update(window: CameraDrift, own: DriftSummary | null = null): Found {
    this.#keep(window, own);
    const found =
      window.frames === 0
        ? unavailable('no frame was measured')
        : this.#estimate(this.#windows.reduce(addCameras), own);
    if (found.state === 'unavailable') this.#against = 0;
    else this.#note(found.state === 'worse');
    if (this.#isWorse) return { ...found, state: 'worse' };
    return { ...found, state: found.share === null ? 'unavailable' : 'as_expected' };
  }

  #keep(window: CameraDrift, own: DriftSummary | null): void {
    const isNew = window.frames === 0 || own !== this.#own;
    this.#own = own;
    this.#newFrames = (isNew ? 0 : this.#newFrames) + window.frames;
    const known = [...(isNew ? [] : this.#windows), window].slice(-MAX_WINDOWS);
    this.#windows = window.frames === 0 ? [] : known;
    let frames = this.#windows.reduce((sum, one) => sum + one.frames, 0);
    while (frames - (this.#windows[0]?.frames ?? 0) >= MIN_FRAMES) frames -= this.#windows.shift()!.frames;
  }

  /** Estimates that share most of their frames are one. */
  #note(isWorse: boolean): void {
    if (this.#newFrames < MIN_FRAMES) return;
    this.#newFrames = 0;
    this.#against = isWorse === this.#isWorse ? 0 : this.#against + 1;
    if (this.#against < HOLDS_FOR) return;
    this.#isWorse = isWorse;
    this.#against = 0;
  }

  /** @returns with the state that these frames alone speak for; `worse` without a share is blindness */
  #estimate(window: CameraDrift, own: DriftSummary | null): Found {
    const { frames, agreement, inGraph, features } = window;
    if (frames < MIN_FRAMES) return unavailable(`${frames} of ${MIN_FRAMES} frames`, frames);
    if (agreement === null) return unavailable('the model has no suppression outside of its graph', frames);
    const scored = agreement.score?.n ?? 0;
    if (scored < MIN_SCORED) return tooFew(scored, frames, own);
    const { baseline } = this.#accuracy;
    const models = this.#accuracy[own === null ? 'others' : 'own'];
    if (models === null) return unavailable(NEEDS_REFERENCE, frames);
    const { tracked, untracked } = models;
    const clean = own ?? (2 * inGraph >= frames ? baseline.graph : baseline.sharp);
    const usable =
      tracked !== null && features['track_sag'] !== undefined ? [tracked, untracked] : [untracked];
    const now = summaryOf(window);
    // some measures of tracks need longer tracks than others
    const [estimate] = usable.flatMap((model) => {
      const share = shareOf(model, now, clean);
      return share === null ? [] : [{ share, model }];
    });
    if (estimate === undefined) return unavailable('a measure that the fit needs is missing', frames);
    const { share, model } = estimate;
    const { low, high } = model.errors;
    const interval = { low: clamp(share + Math.min(0, low)), high: clamp(share + Math.max(0, high)) };
    return {
      state: share < model.worseBelow ? 'worse' : 'as_expected',
      share,
      ...interval,
      frames,
      baseline: own === null ? 'bundle' : 'camera',
      reason: null,
    };
  }
}

/** An empty scene and a blind model look alike, unless the scene is known to be full of objects. */
function tooFew(scored: number, frames: number, own: DriftSummary | null): Found {
  const expected = frames * (own?.features.boxes ?? 0);
  if (BLIND_SHARE * expected < MIN_SCORED)
    return unavailable('too few objects: an empty scene and a blind model look alike', frames);
  const words = `${scored} objects, where its good frames have ${expected.toFixed(0)}`;
  return { ...unavailable(words, frames), state: 'worse' };
}

const clamp = (value: number): number => Math.max(0, Math.min(1, value));
