import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseManifest } from '../../src/model/bundle.ts';
import { parseJson, tryParseJson } from '../../src/contract/json.ts';

it('returns what JSON.parse returns', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

it('does not count brackets inside strings as levels', () => {
  const text = JSON.stringify({ a: '['.repeat(500), b: `\\"${'{'.repeat(500)}` });
  expect(parseJson(text)).toEqual(JSON.parse(text));
});

it.each(['[', '{"a":', '[{"a":'])('refuses %s nested 200,000 levels deep', (open) => {
  expect(() => parseJson(open.repeat(200_000))).toThrow('nested deeper than 64 levels');
  const manifest = new TextEncoder().encode(`{"lineage":${open.repeat(200_000)}`);
  expect(() => parseManifest(manifest, 'deep')).toThrow(/deep.*nested deeper/);
});

it('is undefined instead of an error, if that is asked for', () => {
  expect(tryParseJson('{"a":1}')).toEqual({ a: 1 });
  for (const text of ['', '{', '['.repeat(200_000)]) expect(tryParseJson(text)).toBeUndefined();
});
