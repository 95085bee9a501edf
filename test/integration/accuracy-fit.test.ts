import { beforeAll, describe, expect, it } from 'vitest';
import type { AccuracyFit } from '../../src/contract/accuracy-fit.ts';
import { shareOf } from '../../src/core/drift/accuracy/fit.ts';
import { openAccuracyFit } from '../../src/device/drift/open-fit.ts';
import { loadBundle, type Bundle } from '../../src/model/bundle.ts';
import { measurePictures } from '../../src/tools/drift/accuracy/measure.ts';
import { weather } from '../../src/tools/drift/accuracy/other-degradations.ts';
import { PictureEngine } from '../../src/tools/drift/accuracy/picture-engine.ts';
import { simPictures } from '../../src/tools/drift/accuracy/sim-pictures.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';

/** Other streets than those that the fit was made from. */
const STREETS = { streets: 1, frames: 20, seed: 4 };

describe('the accuracy fit of the shipped bundle', () => {
  let bundle: Bundle;
  let fit: AccuracyFit;
  beforeAll(async () => {
    bundle = await loadBundle(shippedBundle());
    const opened = await openAccuracyFit(bundle);
    if ('reason' in opened) throw new Error(opened.reason);
    fit = opened.fit;
  });

  it('is of that bundle and of the present table of features, and says how far off it is', () => {
    expect(fit.corruptions).toHaveLength(15);
    expect(Object.keys(fit.pictures.mixes)).toHaveLength(4);
    expect(fit.own.untracked.errors.meanAbsolute).toBeLessThan(0.1);
    expect(fit.own.untracked.errors.rankCorrelation).toBeGreaterThan(0.9);
    // near the loss of a fifth that it stands for
    expect(Math.abs(fit.own.untracked.worseBelow - 0.8)).toBeLessThan(0.05);
    // the mean of other scenes says less
    expect(fit.others?.untracked.errors.meanAbsolute).toBeLessThan(0.12);
    expect(fit.others?.untracked.errors.rankCorrelation).toBeGreaterThan(0.85);
  });

  it('sees what noise of the simulator itself costs, in a street that it was not made from', async () => {
    const engine = await PictureEngine.open(bundle, 1);
    const [pictures] = [...simPictures(STREETS)];
    const clean = await measurePictures(engine, pictures!, null);
    const strong = weather(pictures!).filter(({ strength }) => strength === 5);
    const { ap, summary } = await measurePictures(
      engine,
      pictures!,
      strong.find(({ corruption }) => corruption === 'noise')!,
    );
    expect(ap / clean.ap).toBeLessThan(0.8);
    expect(shareOf(fit.own.untracked, summary, clean.summary)).toBeLessThan(0.8);
    expect(shareOf(fit.own.untracked, clean.summary, clean.summary)).toBe(1);
    await engine.close();
  });
});
