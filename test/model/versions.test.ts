import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareVersions, nextMinor, nextPatch } from '../../src/model/versions.ts';

/** The example order of semver.org, and common mistakes with numbers. */
const ORDERED = [
  '0.9.10',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.2.0',
  '1.10.0',
  '2.0.0',
];

it('orders versions as semver.org does', () => {
  expect([...ORDERED].reverse().sort(compareVersions)).toEqual(ORDERED);
});

const part = fc.oneof(fc.nat(20).map(String), fc.constantFrom('a', 'b', 'rc'));
const version = fc
  .tuple(fc.nat(3), fc.nat(12), fc.nat(3), fc.array(part, { maxLength: 3 }))
  .map(([a, b, c, rest]) => `${a}.${b}.${c}${rest.length > 0 ? `-${rest.join('.')}` : ''}`);

it('is antisymmetric and transitive', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
        expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }
    }),
  );
});

it('what is not a version comes before all versions, by name', () => {
  const names = ['1.0.0', 'notes', '0.0.1', 'drafts'];
  expect(names.sort(compareVersions)).toEqual(['drafts', 'notes', '0.0.1', '1.0.0']);
});

it.each([
  ['1.2.3', '1.2.4', '1.3.0'],
  ['1.9.9', '1.9.10', '1.10.0'],
  ['1.2.0-rc.1', null, '1.3.0'],
])('after %s comes patch %s or minor %s', (version, patch, minor) => {
  expect(nextPatch(version)).toBe(patch);
  expect(nextMinor(version)).toBe(minor);
});
