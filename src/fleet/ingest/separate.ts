import { NumberSet } from '../../core/ledger/number-set.ts';
import { ledgerName, type MessageIdentity } from '../store/fleet-message.ts';

/**
 * Divides messages so that no two of `batch` have numbers in common: one that is there twice is in `again`, one that
 * overlaps with others, since it was merged meanwhile, in `deferred`, for the next batch.
 */
export function separate<One extends { readonly message: MessageIdentity }>(
  messages: readonly One[],
): { readonly batch: One[]; readonly again: One[]; readonly deferred: One[] } {
  const batch: One[] = [];
  const again: One[] = [];
  const deferred: One[] = [];
  const taken = new Map<string, NumberSet>();
  for (const one of messages) {
    const { firstId, lastId } = one.message;
    const key = ledgerName(one.message);
    const numbers = taken.get(key) ?? new NumberSet();
    taken.set(key, numbers);
    const missing = numbers.missing(firstId, lastId).size;
    if (missing === lastId - firstId + 1) {
      numbers.add(firstId, lastId);
      batch.push(one);
    } else if (missing === 0) again.push(one);
    else deferred.push(one);
  }
  return { batch, again, deferred };
}
