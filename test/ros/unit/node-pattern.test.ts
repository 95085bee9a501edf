import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodePatternMatches } from '../../../src/ros/parameters/node-pattern.ts';

describe('nodePatternMatches', () => {
  // Cases from the wildcard rules of rcl's parameter files: `*` is one token, `**` is any number of tokens.
  it.each([
    ['/**', '/detector', true],
    ['/**', '/goshawk/detector', true],
    ['/**', '/a/b/c/detector', true],
    ['/*', '/detector', true],
    ['/*', '/goshawk/detector', false],
    ['/goshawk/detector', '/goshawk/detector', true],
    ['goshawk/detector', '/goshawk/detector', true],
    ['/goshawk/detector', '/goshawk/detector2', false],
    ['/goshawk/detector', '/other/goshawk/detector', false],
    ['/*/detector', '/goshawk/detector', true],
    ['/*/detector', '/detector', false],
    ['/*/detector', '/a/b/detector', false],
    ['/**/detector', '/detector', true],
    ['/**/detector', '/a/b/detector', true],
    ['/**/detector', '/a/b/camera', false],
    ['/goshawk/*', '/goshawk/detector', true],
    ['/goshawk/*', '/goshawk/a/detector', false],
    ['/goshawk/**', '/goshawk/a/detector', true],
    ['/*/*/detector', '/a/b/detector', true],
    ['/detector', '/goshawk/detector', false],
    // A bare word is the only addition to rcl's rules.
    ['detector', '/detector', true],
    ['detector', '/goshawk/detector', true],
    ['detector', '/goshawk/my_detector', false],
  ])('%s about %s: %s', (key, node, matches) => {
    expect(nodePatternMatches(key, node)).toBe(matches);
  });

  it('does not take characters of a name for a pattern', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
    fc.assert(
      fc.property(
        fc.array(token, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('.', '+', '(', '['),
        (tokens, sign) => {
          const name = `/${tokens.join('/')}`;
          expect(nodePatternMatches(name, name)).toBe(true);
          expect(nodePatternMatches(`${name}${sign}`, `${name}x`)).toBe(false);
        },
      ),
    );
  });
});
