import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countBySite } from '../../../src/fleet/metrics/site-counts.ts';

const statesOf = ({ state }: { readonly state: string }): string[] => [state];

it('counts robots by site and state, each once for each of its troubles', () => {
  const robots = [
    { site: 'yard', state: 'online', kinds: ['late', 'late', 'hot'] },
    { site: 'yard', state: 'online', kinds: ['late'] },
    { site: 'hall', state: 'silent', kinds: [] },
  ];
  expect(countBySite(robots, statesOf)).toEqual([
    { site: 'yard', what: 'online', robots: 2 },
    { site: 'hall', what: 'silent', robots: 1 },
  ]);
  expect(countBySite(robots, ({ kinds }) => kinds)).toEqual([
    { site: 'yard', what: 'late', robots: 2 },
    { site: 'yard', what: 'hot', robots: 1 },
  ]);
});

it('has 51 sites at most and loses no robot, however many sites there are', () => {
  const robot = fc.record({
    site: fc.nat(500).map((n) => `s${n}`),
    state: fc.constantFrom('online', 'silent'),
  });
  fc.assert(
    fc.property(fc.array(robot, { maxLength: 600 }), (robots) => {
      const counts = countBySite(robots, statesOf);
      expect(new Set(counts.map(({ site }) => site)).size).toBeLessThanOrEqual(51);
      expect(counts.reduce((sum, one) => sum + one.robots, 0)).toBe(robots.length);
    }),
    { numRuns: 30 },
  );
});
