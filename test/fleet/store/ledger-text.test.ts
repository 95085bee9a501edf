import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberSet } from '../../../src/core/ledger/number-set.ts';
import { checkDatabaseUrl } from '../../../src/fleet/store/database-url.ts';
import { describeLedger } from '../../../src/fleet/store/describe-ledger.ts';
import { parsePostmasterPid } from '../../../src/fleet/store/embedded/postmaster-pid.ts';
import { formatMultirange, parseMultirange } from '../../../src/fleet/store/multirange.ts';

describe('multiranges', () => {
  it('come back as they were, whatever their numbers', () => {
    const ranges = fc
      .array(fc.tuple(fc.maxSafeNat(), fc.nat(100)))
      .map((pairs) => NumberSet.of(pairs.map(([first, more]) => [first, first + more])).ranges());
    fc.assert(
      fc.property(ranges, (set) => {
        // what PostgreSQL answers: the end is not part of the range
        const stored = formatMultirange(set).replace(
          /,(\d+)\]/g,
          (_all, last: string) => `,${BigInt(last) + 1n})`,
        );
        const safe = set.filter(([, last]) => last < Number.MAX_SAFE_INTEGER);
        expect(parseMultirange(stored).slice(0, safe.length)).toEqual(safe);
      }),
    );
  });
});

describe('the ledger in words', () => {
  it('shows the first and the last of many ranges, and what is missing', () => {
    const text = describeLedger({
      schema: 'goshawk.fleet-ledger/1',
      generatedAt: '2026-01-01T00:00:00.000Z',
      robot: 'r1',
      undeclaredHoles: 1,
      messagesSince: '2026-11-12',
      quarantined: { schema: 2 },
      entries: [
        {
          site: 'yard',
          robot: 'r1',
          node: 'detector',
          stream: 'metrics',
          bootId: '0f8fad5b-d9cb-469f-a165-70867728950e',
          bootCount: 1,
          stored: [0, 2, 4, 6, 8].map((id): [number, number] => [id, id]),
          quarantined: [[5, 5]],
          declared: [[1, 1]],
          holes: [[3, 3]],
          lastAt: '2026-01-01T00:00:00.000Z',
          lastReceivedAt: '2026-01-01T00:00:01.500Z',
          lagSeconds: 1.5,
        },
      ],
    });
    expect(text.split('\n')).toEqual([
      'yard/r1/detector',
      '  metrics     boot 0f8fad5b  stored 0 2 (1 more) 6 8  quarantined 5  declared 1  holes 3  ' +
        'last 2026-01-01T00:00:01.500Z, lag 1.5 s',
      'messages received before 2026-11-12 were dropped by age',
      'in quarantine: schema 2',
      '1 undeclared: on their way, or lost',
    ]);
  });
});

describe('the URL of a database', () => {
  it.each([
    ['not one', 'db'],
    ['of another kind', 'mysql://db/fleet'],
    ['with a password', 'postgresql://me:secret@db/fleet'],
    ['with a password among the options', 'postgresql://me@db/fleet?password=secret'],
    ['without a name', 'postgresql://db'],
  ])('%s is refused, and no password is repeated', (_what, url) => {
    let refusal: unknown;
    try {
      checkDatabaseUrl(url);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: 'GOSHAWK_PARAMETER_INVALID' });
    expect(String(refusal)).not.toContain('secret');
  });

  it('is taken with user, port and options', () => {
    checkDatabaseUrl('postgresql://me@db:5433/fleet?sslmode=verify-full');
  });
});

it('reads postmaster.pid, also a torn one', () => {
  const whole = '4242\n/data\n1795690692\n54999\n\n127.0.0.1\n 1 2\nready   \n';
  expect(parsePostmasterPid(whole)).toEqual({ pid: 4242, isReady: true });
  expect(parsePostmasterPid(whole.replace('ready', 'starting'))).toEqual({ pid: 4242, isReady: false });
  expect(parsePostmasterPid('42')).toEqual({ pid: 42, isReady: false });
  expect(parsePostmasterPid('')).toBeNull();
});
