import { GoshawkError } from '../../contract/errors.ts';

/** Something that keeps a policy from working. */
export interface PolicyTrouble {
  readonly code: string;
  readonly reason: string;
}

interface FailedAction extends PolicyTrouble {
  readonly rule: string;
}

/** Actions that could not be carried out, until they can be or their rule ends. */
export class FailedActions {
  readonly #failed = new Map<string, FailedAction>();

  /** @param reason null: it was carried out @returns what is to be reported; null if nothing is new */
  note(rule: string, action: string, reason: string | null): GoshawkError | null {
    const key = `${rule} ${action}`;
    const before = this.#failed.get(key);
    if (reason === null) {
      this.#failed.delete(key);
      return null;
    }
    const error = new GoshawkError('GOSHAWK_POLICY_ACTION', { rule, action, reason });
    this.#failed.set(key, { rule, code: error.code, reason: error.message });
    return before?.reason === error.message ? null : error;
  }

  /** Forgets what a rule could not do. */
  end(rule: string): void {
    for (const [key, failed] of this.#failed) if (failed.rule === rule) this.#failed.delete(key);
  }

  clear(): void {
    this.#failed.clear();
  }

  get troubles(): readonly PolicyTrouble[] {
    return [...this.#failed.values()];
  }

  /** The last trouble of each rule; of none: returning to the configured bundle. */
  get byRule(): Readonly<Record<string, PolicyTrouble>> {
    const failed = [...this.#failed.values()];
    return Object.fromEntries(failed.map(({ rule, code, reason }) => [rule, { code, reason }]));
  }
}
