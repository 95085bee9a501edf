/**
 * Why external input was refused. Each reason is also a drop reason of the ledger (`contract/drops`); `core`
 * names only those that it can detect itself.
 */
export type RefusalReason = 'malformed' | 'bad_size' | 'unsupported_encoding' | 'corrupt_image';

/** Returned instead of a result. Refusing bad input is an ordinary outcome, so nothing is thrown for it. */
export interface Refusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** one sentence that names the field and the value at fault */
  readonly detail: string;
}

/** Creates a refusal. */
export function refuse(reason: RefusalReason, detail: string): Refusal {
  return { ok: false, reason, detail };
}
