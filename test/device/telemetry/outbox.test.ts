import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox, type Waiting } from '../../../src/device/telemetry/outbox.ts';

const body = (text: string): object => ({ text });

describe('an outbox', () => {
  it('counts a message that cannot be sent under its own number, and declares it once', () => {
    const outbox = new Outbox(10);
    outbox.put(body('first'), '');
    outbox.lose();
    outbox.put(body('third'), '');
    expect(outbox.take()).toMatchObject({ headerId: 0, body: body('first') });
    expect(outbox.takeGaps()).toBe(1);
    expect(outbox.takeGaps()).toBe(0);
    expect(outbox.take()).toMatchObject({ headerId: 2, body: body('third') });
    expect(outbox.counts()).toMatchObject({ produced: 3, dropped: 1 });
  });

  it('drops the oldest when it is full', () => {
    const outbox = new Outbox(2);
    for (const text of ['a', 'b', 'c']) outbox.put(body(text), '');
    expect([outbox.take()?.headerId, outbox.take()?.headerId, outbox.take()]).toEqual([1, 2, undefined]);
  });

  it('puts a message that failed back to the front, unless newer ones filled the queue', () => {
    const outbox = new Outbox(2);
    outbox.put(body('a'), '');
    outbox.put(body('b'), '');
    const first = outbox.take()!;
    outbox.failed(first);
    expect(outbox.take()).toBe(first);
    outbox.put(body('c'), '');
    outbox.failed(first);
    expect(outbox.take()?.headerId).toBe(1);
    expect(outbox.counts()).toMatchObject({ produced: 3, delivered: 0, dropped: 1 });
  });

  it('accounts for every message: produced = delivered + dropped + waiting, drops = declared + undeclared', () => {
    const step = fc.constantFrom(
      'put',
      'lose',
      'take',
      'deliver',
      'fail',
      'undeliverable',
      'declare',
      'return',
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
        const outbox = new Outbox(capacity);
        const taken: Waiting[] = [];
        let declared = 0;
        for (const what of steps) {
          const message = taken[0];
          if (what === 'put') outbox.put({}, '');
          else if (what === 'lose') outbox.lose();
          else if (what === 'declare') declared += outbox.takeGaps();
          else if (what === 'return') {
            outbox.undeclare(declared);
            declared = 0;
          } else if (what === 'take') {
            const next = taken.length === 0 ? outbox.take() : undefined;
            if (next) taken.push(next);
          } else if (message !== undefined) {
            taken.pop();
            if (what === 'deliver') outbox.delivered();
            else if (what === 'fail') outbox.failed(message);
            else outbox.undeliverable();
          }
          const { produced, delivered, dropped, waiting } = outbox.counts();
          expect(produced).toBe(delivered + dropped + waiting);
          const undeclared = outbox.takeGaps();
          outbox.undeclare(undeclared);
          expect(dropped).toBe(declared + undeclared);
        }
        const left = taken.length;
        const { waiting } = outbox.counts();
        let queued = 0;
        while (outbox.take() !== undefined) queued += 1;
        expect(queued + left).toBe(waiting);
        expect(queued).toBeLessThanOrEqual(capacity);
      }),
    );
  });
});
