import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { ReconnectPlan, type LinkEnd } from '../../../src/platform/mqtt/reconnect-plan.ts';

const SILENT: LinkEnd = { reasonCode: null, isSilent: true };
const FAILED: LinkEnd = { reasonCode: null, isSilent: false };
const TAKEN: LinkEnd = { reasonCode: 0x8e, isSilent: false };

/** A plan without jitter, and a clock that the test advances. @param random 0: the earliest moments */
function planned(random = 0, brokers = 1) {
  const plan = new ReconnectPlan(brokers, undefined, () => random);
  let now = 0;
  return {
    /** A connection of some duration, and how it ended. */
    connection: (end: LinkEnd, seconds: number) => {
      plan.noteUp(now);
      now += seconds * 1000;
      return plan.noteEnd(end, now);
    },
    attempt: () => plan.noteEnd(FAILED, now),
  };
}

describe('ReconnectPlan', () => {
  it('waits within a window that doubles up to a minute while brokers are away', () => {
    const { attempt } = planned(1);
    expect([1, 2, 3, 4, 5].map(() => attempt().waitMs / 1000)).toEqual([10, 20, 40, 60, 60]);
    const list = planned(1, 2);
    expect([1, 2, 3, 4, 5].map(() => list.attempt().waitMs / 1000)).toEqual([10, 10, 20, 20, 40]);
  });

  it('begins early again after a connection that lasted, not after one that was lost at once', () => {
    const { attempt, connection } = planned(1);
    attempt();
    attempt();
    expect(connection(FAILED, 5).waitMs).toBe(40_000);
    expect(connection(FAILED, 300).waitMs).toBe(10_000);
  });

  it('believes a broker that reports "session taken over", and backs off longer each time', () => {
    const { connection } = planned();
    const steps = Array.from({ length: 6 }, () => connection(TAKEN, 20));
    expect(steps.map(({ takenOver }) => takenOver)).toEqual(new Array(6).fill('said'));
    expect(steps.map(({ waitMs }) => waitMs / 1000)).toEqual([30, 60, 120, 240, 300, 300]);
  });

  it('takes a third connection that is accepted and soon closed without a reason for a take-over', () => {
    const { connection } = planned();
    const steps = [3, 2, 3, 50].map((seconds) => connection(SILENT, seconds));
    expect(steps.map(({ takenOver }) => takenOver)).toEqual([null, null, 'likely', 'likely']);
    expect(steps.map(({ waitMs }) => waitMs / 1000)).toEqual([0, 0, 30, 60]);
  });

  it('does not take a broker that restarts for one, however often', () => {
    const { connection, attempt } = planned();
    for (let i = 0; i < 5; i++) {
      expect(connection(SILENT, 3).takenOver).toBeNull();
      expect(attempt().takenOver).toBeNull();
    }
    for (let i = 0; i < 5; i++) expect(connection(SILENT, 3600).takenOver).toBeNull();
  });

  it('forgets take-overs once a connection has lasted', () => {
    const { connection } = planned();
    connection(TAKEN, 1);
    connection(TAKEN, 1);
    expect(connection(TAKEN, 3600).waitMs).toBe(30_000);
    expect(connection(SILENT, 3600).takenOver).toBeNull();
  });
});

/**
 * What a broker sees of many clients that it drops at second 0 and accepts from another second on.
 * @returns attempts in each second, and when the last client was back
 */
function storm(clients: number, backAt: number): { perSecond: number[]; allBackAt: number } {
  const random = createRandom(7);
  const perSecond: number[] = [];
  let allBackAt = 0;
  for (let i = 0; i < clients; i += 1) {
    const plan = new ReconnectPlan(1, undefined, () => random.next());
    plan.noteUp(-1e6);
    let at = plan.noteEnd(SILENT, 0).waitMs;
    for (;;) {
      const second = Math.floor(at / 1000);
      perSecond[second] = (perSecond[second] ?? 0) + 1;
      if (at >= backAt * 1000) break;
      at += plan.noteEnd(FAILED, at).waitMs;
    }
    allBackAt = Math.max(allBackAt, at / 1000);
  }
  return { perSecond: Array.from(perSecond, (count) => count ?? 0), allBackAt };
}

describe('10,000 clients that lose their broker at once', () => {
  it.each([
    { backAt: 0, within: 10 },
    { backAt: 30, within: 60 },
    { backAt: 3_600, within: 60 },
  ])('come back gently when it is there again after $backAt s', ({ backAt, within }) => {
    const { perSecond, allBackAt } = storm(10_000, backAt);
    expect(Math.max(...perSecond)).toBeLessThan(1_700);
    expect(Math.max(...perSecond.slice(backAt))).toBeLessThan(1_100);
    expect(allBackAt).toBeLessThanOrEqual(backAt + within);
    // While it is away, and when it comes back, attempts are spread evenly.
    if (backAt > 600) expect(Math.max(...perSecond.slice(300))).toBeLessThan(450);
  });
});
