import { describe, expect, it } from 'vitest';
import { ReconnectPlan, type LinkEnd } from '../../../src/platform/mqtt/reconnect-plan.ts';

const SILENT: LinkEnd = { reasonCode: null, isSilent: true };
const FAILED: LinkEnd = { reasonCode: null, isSilent: false };
const TAKEN: LinkEnd = { reasonCode: 0x8e, isSilent: false };

/** A plan without jitter, and a clock that the test advances. */
function planned() {
  const plan = new ReconnectPlan(() => 0);
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
  it('retries soon if a broker is away', () => {
    const { attempt, connection } = planned();
    const waits = [attempt(), attempt(), connection(FAILED, 5), connection(SILENT, 5)].map(
      ({ waitMs }) => waitMs,
    );
    expect(waits).toEqual([1000, 1000, 1000, 1000]);
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
    expect(steps.map(({ waitMs }) => waitMs / 1000)).toEqual([1, 1, 30, 60]);
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
