import { describe, expect, it } from 'vitest';
import { CameraAccuracy, type AccuracyModel } from '../../../../src/core/drift/accuracy/estimate.ts';
import type { CameraDrift } from '../../../../src/core/drift/camera-drift.ts';
import { accuracyWords } from '../../../../src/core/drift/window-accuracy.ts';
import { summaryWith } from './summaries.ts';

const regressors = [{ name: 'score', weight: 2 } as const];
const clean = summaryWith(0.7, 2);
const MODEL: AccuracyModel = {
  own: { tracked: null, untracked: { regressors, errors: { low: -0.05, high: 0.05 }, worseBelow: 0.7 } },
  others: { tracked: null, untracked: { regressors, errors: { low: -0.1, high: 0.1 }, worseBelow: 0.7 } },
  baseline: { graph: clean, sharp: summaryWith(0.6, 2) },
};

/** A window whose boxes have this mean score. */
function windowOf(score: number, frames = 300, rest: Partial<CameraDrift> = {}): CameraDrift {
  const n = 2 * frames;
  return {
    camera: 'front',
    frames,
    inGraph: frames,
    unmeasured: 0,
    late: 0,
    duplicate: 0,
    features: {},
    classes: {},
    agreement: {
      consistency: { sum: 0, n: 0 },
      reliability: { reliable: 0, total: 0 },
      score: { sum: Math.round(score * 1e6) * n, n },
    },
    ...rest,
  };
}

/** Of so many boxes with this mean score. */
const agreementOf = (score: number, n: number): CameraDrift['agreement'] => ({
  ...windowOf(score).agreement!,
  score: { sum: Math.round(score * 1e6) * n, n },
});

describe('estimates of a camera', () => {
  it('have an interval, and compare with the baseline of the resize in use', () => {
    const found = new CameraAccuracy(MODEL).update(windowOf(0.6));
    expect(found).toMatchObject({ state: 'as_expected', frames: 300, baseline: 'bundle', reason: null });
    expect(found.share).toBeCloseTo(0.8, 9);
    expect(found.low).toBeCloseTo(0.7, 9);
    expect(found.high).toBeCloseTo(0.9, 9);
    expect(new CameraAccuracy(MODEL).update(windowOf(0.6, 300, { inGraph: 0 })).share).toBe(1);
    const own = new CameraAccuracy(MODEL).update(windowOf(0.6), summaryWith(0.65, 2));
    expect(own).toMatchObject({ baseline: 'camera', low: expect.closeTo(0.85, 9) as unknown });
    expect(own.share).toBeCloseTo(0.9, 9);
  });

  it('merge windows until they have 250 frames', () => {
    const camera = new CameraAccuracy(MODEL);
    expect(camera.update(windowOf(0.7, 100))).toMatchObject({ share: null, reason: '100 of 250 frames' });
    expect(camera.update(windowOf(0.7, 100))).toMatchObject({ share: null, frames: 200 });
    const found = camera.update(windowOf(0.4, 100));
    expect(found.frames).toBe(300);
    expect(found.share).toBeCloseTo(0.8, 9);
    // the newest three are enough
    expect(camera.update(windowOf(0.4, 100)).share).toBeCloseTo(0.6, 9);
    expect(camera.update(windowOf(0.7, 0))).toMatchObject({ share: null, reason: 'no frame was measured' });
    expect(camera.update(windowOf(0.7, 200))).toMatchObject({ share: null, frames: 200 });
    expect(camera.update(windowOf(0.7, 400))).toMatchObject({ share: 1, frames: 400 });
  });

  it('say that the model sees worse only if two in a row are below the point, and take it back likewise', () => {
    const camera = new CameraAccuracy(MODEL);
    const states = [0.5, 0.7, 0.5, 0.5, 0.7, 0.5, 0.7, 0.7].map(
      (score) => camera.update(windowOf(score)).state,
    );
    expect(states).toEqual([
      ...(['as_expected', 'as_expected', 'as_expected', 'worse'] as const),
      ...(['worse', 'worse', 'worse', 'as_expected'] as const),
    ]);
    // 0.72 is above it, although the interval ends at 0.62
    const above = new CameraAccuracy(MODEL);
    expect([0.56, 0.56, 0.56].map((score) => above.update(windowOf(score)).state)).not.toContain('worse');
    const below = new CameraAccuracy(MODEL);
    expect([0.54, 0.54].map((score) => below.update(windowOf(score)).state)).toContain('worse');
  });

  it('keep that the model sees worse while there is no estimate', () => {
    const camera = new CameraAccuracy(MODEL);
    camera.update(windowOf(0.5));
    expect(camera.update(windowOf(0.5)).state).toBe('worse');
    const blind = camera.update(windowOf(0, 300, { agreement: agreementOf(0, 0) }));
    expect(blind).toMatchObject({ state: 'worse', share: null, low: null, high: null });
    expect(accuracyWords(blind)).toMatch(/^the model sees worse; no estimate now \(too few objects/);
    expect(camera.update(windowOf(0.7, 0))).toMatchObject({
      state: 'worse',
      reason: 'no frame was measured',
    });
    expect(camera.update(windowOf(0.7)).state).toBe('worse');
    expect(camera.update(windowOf(0.7)).state).toBe('as_expected');
  });

  it('need two in a row: what comes between without an estimate breaks the row', () => {
    const camera = new CameraAccuracy(MODEL);
    const states = [0.5, 0, 0.5].map((score) => camera.update(windowOf(score, score === 0 ? 0 : 300)).state);
    expect(states).toEqual(['as_expected', 'unavailable', 'as_expected']);
    expect(camera.update(windowOf(0.5)).state).toBe('worse');
  });

  it('count once 250 frames have come since the one before', () => {
    const camera = new CameraAccuracy(MODEL);
    const states = Array.from({ length: 6 }, () => camera.update(windowOf(0.4, 100)).state);
    expect(states.slice(2)).toEqual(['as_expected', 'as_expected', 'as_expected', 'worse']);
  });

  it('begin anew in another context', () => {
    const [day, night] = [summaryWith(0.7, 2), summaryWith(0.7, 2)];
    const camera = new CameraAccuracy(MODEL);
    camera.update(windowOf(0.4, 200), day);
    expect(camera.update(windowOf(0.7, 200), night)).toMatchObject({ share: null, frames: 200 });
    expect(camera.update(windowOf(0.7, 200), night)).toMatchObject({ share: 1, frames: 400 });
  });

  it('tell a blind model from an empty scene where good frames are full of objects', () => {
    const full = summaryWith(0.7, 2, { features: { noise: 2, boxes: 3 } });
    const empty = summaryWith(0.7, 2, { features: { noise: 2, boxes: 1 } });
    const blind = windowOf(0.5, 300, { agreement: agreementOf(0.5, 19) });
    const statesOf = (own: typeof full): string[] => {
      const camera = new CameraAccuracy(MODEL);
      return [blind, blind].map((window) => camera.update(window, own).state);
    };
    expect(statesOf(full)).toEqual(['unavailable', 'worse']);
    expect(statesOf(empty)).toEqual(['unavailable', 'unavailable']);
    expect(new CameraAccuracy(MODEL).update(blind, full).reason).toBe(
      '19 objects, where its good frames have 900',
    );
  });

  it.each([
    ['suppression', windowOf(0.5, 300, { agreement: null })],
    ['empty scene', windowOf(0.5, 300, { agreement: agreementOf(0.5, 0) })],
    ['of 250 frames', windowOf(0.5, 249)],
    ['no frame', windowOf(0.5, 0)],
  ])('are unavailable, with a reason (%s)', (reason, window) => {
    const found = new CameraAccuracy(MODEL).update(window);
    expect(found).toMatchObject({ state: 'unavailable', share: null, low: null, high: null });
    expect(found.reason).toContain(reason);
    expect(accuracyWords(found)).toContain(reason);
  });

  it('need a reference of the camera if the fit knows too few scene mixes', () => {
    const camera = new CameraAccuracy({ ...MODEL, others: null });
    expect(camera.update(windowOf(0.6)).reason).toContain('a reference of their own');
    expect(camera.update(windowOf(0.6), summaryWith(0.7, 2)).share).toBeCloseTo(0.8, 9);
  });

  it('use the model of tracks where objects are tracked', () => {
    const tracked = { ...MODEL.own.untracked, regressors: [{ name: 'score', weight: 4 } as const] };
    const features = { track_sag: { sum: 1, first: 0, counts: [1] } };
    const model = { ...MODEL, others: { ...MODEL.others!, tracked } };
    expect(new CameraAccuracy(model).update(windowOf(0.6, 300, { features })).share).toBeCloseTo(0.6, 9);
    expect(new CameraAccuracy(model).update(windowOf(0.6)).share).toBeCloseTo(0.8, 9);
    // tracks, but none so long that boxes jitter
    const jitter = {
      ...tracked,
      regressors: [...tracked.regressors, { name: 'track_jitter', weight: 1 } as const],
    };
    const longer = { ...MODEL, others: { ...MODEL.others!, tracked: jitter } };
    expect(new CameraAccuracy(longer).update(windowOf(0.6, 300, { features })).share).toBeCloseTo(0.8, 9);
  });

  it('are in words', () => {
    const words = accuracyWords({
      ...{ state: 'worse', share: 0.55, low: 0.4, high: 0.7 },
      ...{ frames: 300, baseline: 'bundle', reason: null },
    });
    expect(words).toBe('the model sees worse: an estimated 55 % of its AP is kept (90 %: 40 % to 70 %)');
  });
});
