import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { BrokerChoice } from '../../../src/platform/mqtt/broker-choice.ts';

const made = (): BrokerChoice => new BrokerChoice(['a', 'b', 'c'], 1_000, () => 0.5);

describe('the choice of a broker', () => {
  it('goes round the list while attempts fail, and stays with a broker that answered', () => {
    const choice = made();
    const tried = Array.from({ length: 5 }, () => {
      const { url } = choice;
      choice.noteEnd(null, false);
      return url;
    });
    expect(tried).toEqual(['a', 'b', 'c', 'a', 'b']);
    choice.noteUp();
    choice.noteEnd(5_000, false);
    expect(choice.url).toBe('c');
    choice.noteEnd(5_000, true);
    expect(choice.url).toBe('a');
  });

  it('returns after three looks in a row that found the preferred broker', () => {
    const choice = made();
    choice.noteEnd(null, false);
    choice.noteUp();
    expect([true, true, false, true, true, true].map((there) => choice.noteLook(there))).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
    choice.goBack();
    expect([choice.url, choice.isPreferred]).toEqual(['a', true]);
  });

  it('takes longer each time that a return fails, until one lasts', () => {
    const choice = made();
    const waits: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      choice.noteEnd(null, false);
      waits.push(choice.nextLookMs());
      choice.goBack();
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 32].map((times) => times * 1_000));
    choice.noteEnd(3_600_000, false);
    expect(choice.nextLookMs()).toBe(1_000);
  });

  it('brings 10,000 robots back over minutes, not at once', () => {
    const random = createRandom(3);
    const perSecond: number[] = [];
    for (let i = 0; i < 10_000; i += 1) {
      const choice = new BrokerChoice(['a', 'b'], 120_000, () => random.next());
      choice.noteEnd(null, false);
      let at = choice.nextLookMs();
      while (!choice.noteLook(true)) at += choice.nextLookMs();
      const second = Math.floor(at / 1000);
      perSecond[second] = (perSecond[second] ?? 0) + 1;
    }
    expect(Math.max(...Object.values(perSecond))).toBeLessThan(120);
  });
});
