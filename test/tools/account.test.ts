import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NumberRange } from '../../src/core/ledger/number-set.ts';
import type { StoredNumbers } from '../../src/core/ledger/stored-numbers.ts';
import { accountFor } from '../../src/tools/fleet/account.ts';

const BOOT = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

function rowOf(more: Partial<StoredNumbers> = {}): StoredNumbers {
  const stored = more.stored ?? [];
  const rowNumbers = stored.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  return { stream: 'state', bootId: BOOT, stored, rowNumbers, declared: [], quarantined: [], ...more };
}

describe('the account of what was produced', () => {
  it('has each number once: stored, in quarantine, declared lost, or missing', () => {
    const row = rowOf({
      stored: [[0, 4]],
      rowNumbers: 6,
      quarantined: [[4, 6]],
      declared: [
        [6, 7],
        [9, 9],
      ],
    });
    expect(accountFor(`state ${BOOT} 3\nstate ${BOOT} 10\n`, [row])).toEqual({
      produced: 11,
      stored: 5,
      quarantined: 2,
      declared: 2,
      undeclaredHoles: 2,
      duplicates: 1,
      missing: [
        {
          stream: 'state',
          bootId: BOOT,
          ranges: [
            [8, 8],
            [10, 10],
          ],
        },
      ],
    });
  });

  it('knows of streams from either side, and ignores a torn last line', () => {
    const other = rowOf({ stream: 'event', quarantined: [[1, 1]] });
    const { missing, ...sums } = accountFor(`state ${BOOT} 1\nstate ${BOOT} 99`, [other]);
    expect(sums).toMatchObject({ produced: 4, stored: 0, quarantined: 1, declared: 0, undeclaredHoles: 3 });
    expect(missing.map(({ stream, ranges }) => [stream, ranges])).toEqual([
      ['state', [[0, 1]]],
      ['event', [[0, 0]]],
    ]);
  });

  it('adds up, whatever there is', () => {
    const ranges = fc.array(
      fc.tuple(fc.nat(20), fc.nat(5)).map(([first, more]): NumberRange => [first, first + more]),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(ranges, ranges, ranges, fc.nat(30), (declared, quarantined, rest, last) => {
        const stored = rest.slice(0, 1);
        const row = rowOf({ stored, quarantined, declared });
        const account = accountFor(`state ${BOOT} ${last}\n`, [row]);
        expect(account.produced).toBe(
          account.stored + account.quarantined + account.declared + account.undeclaredHoles,
        );
        expect(account.duplicates).toBe(0);
      }),
    );
  });
});
