/**
 * Why input that came from outside was not taken. Each reason is also a drop reason of the ledger
 * (`contract/drops`); `core` names only the ones that it can find itself.
 */
export type RefusalReason = 'malformed' | 'bad_size' | 'unsupported_encoding' | 'corrupt_image';

/** The answer in place of a result. Refusing bad input is an ordinary outcome, so nothing is thrown for it. */
export interface Refusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** one sentence that names the field and the value at fault */
  readonly detail: string;
}

/** Makes a refusal. */
export function refuse(reason: RefusalReason, detail: string): Refusal {
  return { ok: false, reason, detail };
}
