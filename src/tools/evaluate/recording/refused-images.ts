import type { RefusedFacts } from '../../../contract/report.ts';
import type { Refusal } from '../../../core/refusal.ts';

/** A report names so many: a recording of broken images would fill it. */
const MAX_NAMED = 20;
const MAX_DETAIL = 300;

/** Images that cannot be evaluated: how many by reason, and which. */
export class RefusedImages {
  readonly #counts: Record<string, number> = {};
  readonly #named: RefusedFacts['first'][number][] = [];

  /** @param at when it was taken, in words */
  add(at: string, { reason, detail }: Refusal): void {
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1;
    if (this.#named.length < MAX_NAMED) this.#named.push({ at, reason, detail: detail.slice(0, MAX_DETAIL) });
  }

  read(): RefusedFacts {
    return { counts: { ...this.#counts }, first: [...this.#named] };
  }
}
