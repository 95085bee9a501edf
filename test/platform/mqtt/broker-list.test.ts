import { describe, expect, it } from 'vitest';
import { brokersFor, parseBrokers } from '../../../src/platform/mqtt/broker-list.ts';

const BROKERS = ['mqtts://a:8883', 'mqtts://b:8883', 'wss://c/mqtt'];

const refusal = (text: string): unknown => {
  try {
    return parseBrokers(text);
  } catch (error) {
    return error;
  }
};

describe('a list of brokers', () => {
  it('is separated by commas, spaces or both; a broker counts once', () => {
    expect(parseBrokers(` ${BROKERS.join(' , ')} ${BROKERS[0]!}\n`)).toEqual(BROKERS);
    expect(parseBrokers(BROKERS.join(' '))).toEqual(BROKERS);
  });

  it.each([
    ['mqtts://a,mqtt://b', /some brokers use TLS and some do not/],
    ['wss://a ws://b', /some brokers use TLS and some do not/],
    ['mqtts://a,http://b', /the scheme is not mqtt/],
    ['mqtts://a,b', /not a URL/],
    ['mqtts://a,mqtts://user:secret@b', /GOSHAWK_MQTT_PASSWORD_FILE/],
    [' , ', /names no broker/],
    [Array.from({ length: 33 }, (_, i) => `mqtt://b${i}`).join(), /32 at most/],
  ])('is refused with a code: %s', (text, reason) => {
    expect(refusal(text)).toMatchObject({
      code: 'GOSHAWK_PARAMETER_INVALID',
      message: expect.stringMatching(reason) as string,
    });
    expect(String(refusal(text))).not.toContain('secret');
  });
});

describe('the order in which a robot tries brokers', () => {
  const robots = Array.from({ length: 3_000 }, (_, i) => `yard/r${i}`);

  it('is always the same for a robot, whatever the order of the list', () => {
    for (const robot of robots.slice(0, 50))
      expect(brokersFor(robot, BROKERS.toReversed())).toEqual(brokersFor(robot, BROKERS));
  });

  it('spreads robots evenly, those of a broker that is gone over all others, and moves nobody else', () => {
    const first = (list: readonly string[]): string[] => robots.map((robot) => brokersFor(robot, list)[0]!);
    const share = (chosen: readonly string[], url: string): number =>
      chosen.filter((one) => one === url).length / chosen.length;
    const before = first(BROKERS);
    for (const url of BROKERS) expect(share(before, url)).toBeCloseTo(1 / 3, 1);
    const after = first(BROKERS.slice(1));
    const orphans = after.filter((_, i) => before[i] === BROKERS[0]);
    expect(share(orphans, BROKERS[1]!)).toBeCloseTo(1 / 2, 1);
    expect(after.filter((url, i) => before[i] !== BROKERS[0] && before[i] !== url)).toEqual([]);
  });
});
