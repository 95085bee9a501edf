import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Intake } from '../../../src/fleet/ingest/intake.ts';
import { packHistory } from '../../../src/platform/history-batch.ts';
import { BOOT, received, stateMessage } from './messages.ts';

const message = (bytes = 1, robot = 'r1') => received(`fleet/v1/yard/${robot}/n/state`, 'x'.repeat(bytes));
const NOBODY = (robot: string): void => {
  throw new Error(`${robot} was deferred`);
};

describe('Intake', () => {
  it('holds whoever brings more than it has room for, until that is stored', async () => {
    const intake = new Intake({ messages: 2, bytes: 100 }, NOBODY);
    expect(intake.offer(message())).toBeUndefined();
    let isHeld = true;
    const held = intake.offer(message())!.then(() => (isHeld = false));
    const batch = intake.take(10, 100);
    await Promise.resolve();
    expect(isHeld).toBe(true);
    intake.release(batch.map(({ received: each }) => each));
    await held;
    expect(intake.size).toBe(0);
  });

  it('counts bytes as well', () => {
    const intake = new Intake({ messages: 100, bytes: 10 }, NOBODY);
    expect(intake.offer(message(9))).toBeUndefined();
    expect(intake.offer(message(1))).toBeInstanceOf(Promise);
  });

  it('gives out batches bounded in number and bytes, and never none while there is one', () => {
    const intake = new Intake({ messages: 100, bytes: 1_000 }, NOBODY);
    for (const bytes of [50, 5, 5, 5]) void intake.offer(message(bytes));
    expect(intake.take(10, 10)).toHaveLength(1);
    expect(intake.take(10, 10)).toHaveLength(2);
    expect(intake.take(10, 10)).toHaveLength(1);
    expect(intake.take(10, 10)).toHaveLength(0);
  });

  it('unpacks a batch into messages of their own streams, and refuses what is none', () => {
    const intake = new Intake({ messages: 100, bytes: 100_000 }, NOBODY);
    const payload = new TextDecoder().decode(stateMessage(3).payload);
    const batch = packHistory([
      { stream: 'state', payload },
      { stream: 'state', payload: payload.replace('r1', 'r2') },
      { stream: 'unheard-of', payload },
      { stream: 'history', payload },
    ]);
    void intake.offer(received('fleet/v1/yard/r1/detector/history', batch));
    void intake.offer(received('fleet/v1/yard/r1/detector/history', 'not Zstandard'));
    const checked = intake.take(10, 100_000).map((one) => one.checked);
    expect(checked[0]?.message).toMatchObject({ stream: 'state', lastId: 3, historical: true });
    const reasons = checked.slice(1).map(({ refusal }) => refusal?.reason);
    expect(reasons).toEqual(['identity', 'stream', 'stream', 'history']);
    const [, , unknown, never] = checked.map(({ refusal }) => refusal?.identity);
    expect(unknown).toMatchObject({ stream: 'unheard-of', bootId: BOOT, firstId: 3, lastId: 3 });
    expect(never).toBeNull();
  });

  it('gives all robots their turn: the one that sends a thousand times its share delays no other', () => {
    const deferred: string[] = [];
    const intake = new Intake({ messages: 10_000, bytes: 64 << 20 }, (robot) => deferred.push(robot));
    const others = Array.from({ length: 20 }, (_, at) => `r${at}`);
    const waited: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      for (let count = 0; count < 1_000; count += 1)
        expect(intake.offer(message(1, 'flood'))).toBeUndefined();
      for (const robot of others) expect(intake.offer(message(1, robot))).toBeUndefined();
      // 200 of 1,020: the database is slower than the flood
      const batch = intake.take(200, 1 << 20).map((one) => one.received);
      const taken = batch.filter(({ topic }) => !topic.includes('/flood/'));
      waited.push(others.length - taken.length);
      intake.release(batch);
    }
    expect(waited).toEqual(waited.map(() => 0));
    expect(new Set(deferred)).toEqual(new Set(['yard/flood']));
    // a third of the room at most: what it has waiting is half of what is free
    expect(intake.size).toBeLessThan(3_400);
    expect(deferred).toHaveLength(50 * 1_000 - 50 * 180 - intake.size);
  });

  it('ignores no message of a robot that has little waiting, even when there is no room: it holds the broker', () => {
    const intake = new Intake({ messages: 10, bytes: 1_000 }, NOBODY);
    const held = Array.from({ length: 60 }, () => intake.offer(message()));
    expect(held.filter((one) => one === undefined)).toHaveLength(9);
  });

  it('keeps the order of each robot, whatever it is given out with', () => {
    const intake = new Intake({ messages: 10_000, bytes: 1 << 20 }, NOBODY);
    const sent = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 })), { maxLength: 60 });
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 50 }), (turns, count) => {
        const expected = new Map<string, number[]>();
        let number = 0;
        for (const [robot, many] of turns)
          for (let at = 0; at < many; at += 1) {
            number += 1;
            void intake.offer({ ...message(1, `r${robot}`), receivedMs: number });
            const own = expected.get(`r${robot}`) ?? [];
            expected.set(`r${robot}`, [...own, number]);
          }
        const taken = new Map<string, number[]>();
        for (let batch = intake.take(count, 1 << 20); batch.length > 0; batch = intake.take(count, 1 << 20)) {
          const oldest = Math.min(...batch.map((one) => one.received.receivedMs));
          expect(oldest).toBeGreaterThan(0);
          for (const { received: one } of batch) {
            const robot = one.topic.split('/')[3]!;
            taken.set(robot, [...(taken.get(robot) ?? []), one.receivedMs]);
          }
          intake.release(batch.map((one) => one.received));
        }
        expect(taken).toEqual(expected);
        expect([intake.size, intake.oldestMs]).toEqual([0, null]);
      }),
      { numRuns: 100 },
    );
  });

  it('takes nothing after it was closed, and holds nobody', () => {
    const intake = new Intake({ messages: 1, bytes: 1 }, NOBODY);
    intake.close();
    expect(intake.offer(message())).toBeUndefined();
    expect(intake.size).toBe(0);
  });
});
