import type { FleetFaultsReport } from '../../contract/fleet-faults.ts';
import { NumberSet } from '../../core/ledger/number-set.ts';
import type { StoredNumbers } from '../../core/ledger/stored-numbers.ts';

type Account = Pick<
  FleetFaultsReport,
  'produced' | 'stored' | 'quarantined' | 'declared' | 'undeclaredHoles' | 'duplicates' | 'missing'
>;

/**
 * Compares what the robot's process wrote down with what the database has.
 * @param producedLog lines of `STREAM BOOT LAST`; a torn last line is ignored
 */
export function accountFor(producedLog: string, rows: readonly StoredNumbers[]): Account {
  const ends = new Map<string, number>();
  const know = (stream: string, bootId: string, last: number): void => {
    const key = `${stream} ${bootId}`;
    ends.set(key, Math.max(ends.get(key) ?? -1, last));
  };
  for (const [, stream = '', bootId = '', last] of producedLog.matchAll(/^(\S+) (\S+) (\d+)\n/gm))
    know(stream, bootId, Number(last));
  for (const { stream, bootId, ...numbers } of rows) {
    const { stored, quarantined, declared } = numbers;
    for (const [, last] of [...stored, ...quarantined, ...declared]) know(stream, bootId, last);
  }
  const byKey = new Map(rows.map((row) => [`${row.stream} ${row.bootId}`, row]));
  const account = { produced: 0, stored: 0, quarantined: 0, declared: 0, undeclaredHoles: 0, duplicates: 0 };
  const missing: Account['missing'] = [];
  for (const [key, end] of ends) {
    const [stream = '', bootId = ''] = key.split(' ');
    const row = byKey.get(key);
    const known = NumberSet.of(row?.stored ?? []);
    const stored = known.size;
    known.addAll(row?.quarantined ?? []);
    const kept = known.size;
    known.addAll(row?.declared ?? []);
    const holes = known.missing(0, end);
    account.produced += end + 1;
    account.stored += stored;
    account.quarantined += kept - stored;
    account.declared += known.size - kept;
    account.undeclaredHoles += holes.size;
    account.duplicates += (row?.rowNumbers ?? 0) - stored;
    const ranges = holes.ranges().map(([first, last]): [number, number] => [first, last]);
    if (ranges.length > 0) missing.push({ stream, bootId, ranges });
  }
  return { ...account, missing };
}
