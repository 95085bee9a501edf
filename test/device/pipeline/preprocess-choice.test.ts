import { describe, expect, it } from 'vitest';
import { PreprocessChoice } from '../../../src/device/pipeline/preprocess-choice.ts';

type FrameKind = readonly [width: number, height: number, encoding: string];

const RAW: FrameKind = [1280, 720, 'rgb8'];
const JPEG: FrameKind = [640, 480, 'jpeg'];

/** Sends frames until the choice is made; each costs as much as its way. */
function measure(choice: PreprocessChoice, sharpMs: number, graphMs: number): string[] {
  const modes: string[] = [];
  for (let i = 0; i < 100 && choice.decision === null; i++) {
    const mode = choice.modeFor(...RAW);
    modes.push(mode);
    choice.report(mode, mode === 'sharp' ? sharpMs : graphMs);
  }
  return modes;
}

describe('PreprocessChoice', () => {
  it('has no decision before the first frame', () => {
    expect(new PreprocessChoice('sharp', true).decision).toBeNull();
  });

  it.each([
    ['sharp', true, RAW, 'sharp', /asked for/],
    ['graph', true, RAW, 'graph', /asked for/],
    ['graph', false, RAW, 'sharp', /takes no raw frames/],
    ['auto', false, RAW, 'sharp', /takes no raw frames/],
    ['auto', true, JPEG, 'sharp', /640x480 jpeg is not packed/],
    ['graph', true, JPEG, 'sharp', /640x480 jpeg is not packed/],
  ] as const)('%s, raw frames %s, %j: %s immediately', (preferred, acceptsRaw, frame, mode, why) => {
    const choice = new PreprocessChoice(preferred, acceptsRaw);
    expect(choice.modeFor(...frame)).toBe(mode);
    expect(choice.decision?.mode).toBe(mode);
    expect(choice.decision?.why).toMatch(why);
  });

  it.each([
    [4, 2, 'graph'],
    [2, 4, 'sharp'],
    [3, 3, 'graph'],
    [3, 3.4, 'graph'],
    [3, 3.6, 'sharp'],
  ] as const)(
    'auto tries both in turn and keeps sharp if it is clearly faster, else the graph: sharp %d ms, graph %d ms',
    (sharp, graph, best) => {
      const choice = new PreprocessChoice('auto', true);
      const modes = measure(choice, sharp, graph);
      expect(modes.length).toBe(32);
      expect(modes.filter((mode) => mode === 'graph').length).toBe(16);
      expect(choice.decision?.mode).toBe(best);
      expect(choice.decision?.why).toContain(`sharp ${sharp.toFixed(1)} ms, graph ${graph.toFixed(1)} ms`);
      expect(choice.modeFor(...RAW)).toBe(best);
      expect(choice.report('sharp', 1)).toBeNull();
    },
  );

  it('goes by the median after warming up: neither a slow start nor an outlier decides', () => {
    const choice = new PreprocessChoice('auto', true);
    for (let i = 0; choice.decision === null; i++) {
      const mode = choice.modeFor(...RAW);
      const graphMs = i < 8 || i === 21 ? 900 : 1;
      choice.report(mode, mode === 'sharp' ? 2 : graphMs);
    }
    expect(choice.decision.mode).toBe('graph');
  });

  it('chooses again for another size', () => {
    const choice = new PreprocessChoice('auto', true);
    measure(choice, 4, 2);
    choice.modeFor(640, 480, 'rgb8');
    expect(choice.decision).toBeNull();
  });

  it('abandons the graph if it fails, unless it was requested', () => {
    const auto = new PreprocessChoice('auto', true);
    auto.modeFor(...RAW);
    const decision = auto.giveUpGraph('no Resize');
    expect(decision?.mode).toBe('sharp');
    expect(decision?.why).toContain('no Resize');
    expect(auto.giveUpGraph('again')).toBeNull();
    expect(auto.modeFor(...RAW)).toBe('sharp');
    const asked = new PreprocessChoice('graph', true);
    asked.modeFor(...RAW);
    expect(asked.giveUpGraph('no Resize')).toBeNull();
    expect(asked.modeFor(...RAW)).toBe('graph');
  });
});
