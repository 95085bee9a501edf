import { NumberSet } from '../../../core/ledger/number-set.ts';
import type { LedgerRow } from '../../../contract/telemetry/ledger.ts';
import type { OutboxView } from '../outbox/outbox.ts';
import type { Account } from '../outbox/account.ts';
import type { Entry } from '../outbox/entry.ts';
import type { Loss } from '../outbox/recover.ts';

/** What a ledger is made of: an outbox that is open, or one as it is on the disk. */
export interface LedgerContent extends OutboxView {
  readonly losses: readonly Loss[];
}

/** The ledger by stream and boot, the oldest boot first. */
export function ledgerRows({ accounts, entries, losses, clock }: LedgerContent): LedgerRow[] {
  const waiting = new Map<Account, Entry[]>();
  for (const entry of entries) {
    const list = waiting.get(entry.account);
    if (list === undefined) waiting.set(entry.account, [entry]);
    else list.push(entry);
  }
  const sorted = [...accounts].sort((a, b) => a.boot.bootCount - b.boot.bootCount);
  return sorted.map((account) =>
    ledgerRow(
      account,
      waiting.get(account) ?? [],
      losses.filter((loss) => loss.account === account),
      clock,
    ),
  );
}

function ledgerRow(
  account: Account,
  entries: readonly Entry[],
  losses: readonly Loss[],
  clock: number,
): LedgerRow {
  const { boot, stream, declared } = account;
  const numbers = NumberSet.of(entries.map(({ first, last }) => [first, last]));
  const undeclared = losses.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const produced = Math.max(account.next, ...losses.map(({ last }) => last + 1));
  const ages = entries.map(({ putAt }) => Math.max(0, clock - putAt));
  return {
    stream,
    ...boot,
    produced,
    acknowledged: Math.max(0, produced - numbers.size - declared.total - undeclared),
    declared: Object.fromEntries(
      Object.entries(declared.records()).map(([reason, { count, ranges }]) => [
        reason,
        { count, ranges: ranges.map(([first, last]): [number, number] => [first, last]) },
      ]),
    ),
    waiting: numbers.size,
    messages: entries.length,
    waitingBytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
    oldestSeconds: ages.length === 0 ? null : Math.round(ages.reduce((a, b) => Math.max(a, b)) * 10) / 10,
    undeclared: losses.map(({ first, last, reason }) => ({ reason, ranges: [[first, last]] })),
  };
}
