import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutText } from '../../src/core/cut-text.ts';

it('cuts between characters: what was whole text stays whole', () => {
  expect(cutText('a\u{1f697}', 2)).toBe('a');
  expect(cutText('a\u{1f697}', 3)).toBe('a\u{1f697}');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, units) => {
      const cut = cutText(text, units);
      expect(text.startsWith(cut)).toBe(true);
      expect(cut).not.toMatch(/\p{Cs}/u);
      expect(cut.length).toBeGreaterThanOrEqual(Math.min(text.length, units) - 1);
      expect(cut.length).toBeLessThanOrEqual(units);
    }),
  );
});
