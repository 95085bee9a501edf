import { describe, expect, it } from 'vitest';
import type { BrokerCondition } from '../../../src/contract/bench-telemetry.ts';
import type { OutboxOfTrial, OutboxWaiting } from '../../../src/contract/bench-trial.ts';
import { checkBacklog } from '../../../src/tools/bench/telemetry/check-backlog.ts';
import { waitingIn } from '../../../src/tools/bench/trial/waiting.ts';

const WINDOWS = 1_000;

const waiting = (messages: number, connected: boolean, ofEarlierBoots = messages): OutboxWaiting => ({
  connected,
  messages,
  bytes: messages * 1_000,
  ofEarlierBoots,
});

const check = (condition: BrokerCondition, outbox?: OutboxOfTrial): void =>
  checkBacklog({ round: 0, condition, ...(outbox === undefined ? {} : { outbox }) }, WINDOWS);

const refused = (text: string) => ({
  code: 'GOSHAWK_BENCH_BACKLOG',
  message: expect.stringContaining(text) as unknown,
});

function errorOf(work: () => void): unknown {
  try {
    work();
    return null;
  } catch (error) {
    return error;
  }
}

describe('a trial beside a backlog', () => {
  it('counts if all of it waited the whole time', () => {
    check('backlog', { begin: waiting(1_002, false), end: waiting(1_004, false, 1_000) });
  });

  it.each([
    ['not open yet', { begin: null, end: waiting(1_000, false) }],
    ['not open yet', undefined],
    ['not all 1000', { begin: waiting(999, false), end: waiting(999, false) }],
    // as many messages, but of this boot
    ['not all 1000', { begin: waiting(1_000, false), end: waiting(1_005, false, 990) }],
  ] as const)('does not count: %s', (text, outbox) => {
    expect(errorOf(() => check('backlog', outbox))).toMatchObject(refused(text));
  });

  it('counts if a part of it was sent and another one is left', () => {
    check('catch-up', { begin: waiting(1_000, true), end: waiting(100, true) });
  });

  it.each([
    ['all was sent', { begin: waiting(1_000, true), end: waiting(1, true, 0) }],
    ['hardly anything was sent', { begin: waiting(1_000, true), end: waiting(998, true) }],
    ['link was not up', { begin: waiting(1_000, false), end: waiting(500, true) }],
    ['link was not up', { begin: waiting(1_000, true), end: waiting(500, false) }],
  ] as const)('of which too little is known when catching up does not count: %s', (text, outbox) => {
    expect(errorOf(() => check('catch-up', outbox))).toMatchObject(refused(text));
  });

  it('needs none in other conditions', () => {
    check('off', { begin: null, end: null });
    check('away', { begin: waiting(0, false), end: waiting(1, false) });
  });
});

describe('what waits by a status', () => {
  const stream = { delivered: 0, declared: {}, oldestSeconds: null };
  const status = { connected: true, protocol: '5', reason: '' };

  it('is unknown without telemetry, and before the outbox is open', () => {
    expect(waitingIn(null)).toBeNull();
    expect(waitingIn({ ...status, streams: null })).toBeNull();
  });

  it('is that of all streams; those that this process made are taken off', () => {
    const streams = {
      // five of an earlier boot, and one that is not sent yet
      metrics: { ...stream, produced: 1, waiting: 6, waitingBytes: 600 },
      // the newest only, which is of this boot
      state: { ...stream, produced: 3, waiting: 1, waitingBytes: 50 },
    };
    expect(waitingIn({ ...status, streams })).toEqual({
      connected: true,
      messages: 7,
      bytes: 650,
      ofEarlierBoots: 5,
    });
  });
});
