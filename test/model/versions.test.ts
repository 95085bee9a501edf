import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareVersions } from '../../src/model/versions.ts';

/** The order that semver.org gives as an example, and what people get wrong about numbers. */
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

it('versions come in the order of semver.org', () => {
  expect([...ORDERED].reverse().sort(compareVersions)).toEqual(ORDERED);
});

const part = fc.oneof(fc.nat(20).map(String), fc.constantFrom('a', 'b', 'rc'));
const version = fc
  .tuple(fc.nat(3), fc.nat(12), fc.nat(3), fc.array(part, { maxLength: 3 }))
  .map(([a, b, c, rest]) => `${a}.${b}.${c}${rest.length > 0 ? `-${rest.join('.')}` : ''}`);

it('the order is antisymmetric and transitive', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
        expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }
    }),
  );
});
