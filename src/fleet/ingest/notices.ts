const PERIOD_MS = 10_000;

/** Log lines of things that may happen thousands of times a second: the first at once, then counts. */
export class Notices {
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  readonly #kinds = new Map<string, { saidAt: number; unsaid: number }>();

  constructor(say: (line: string) => void, now: () => number = () => performance.now()) {
    this.#say = say;
    this.#now = now;
  }

  /** @param kind of a bounded number: each has its own line at most every 10 s */
  note(kind: string, line: string): void {
    const now = this.#now();
    const last = this.#kinds.get(kind) ?? { saidAt: -Infinity, unsaid: 0 };
    this.#kinds.set(kind, last);
    if (now - last.saidAt < PERIOD_MS) {
      last.unsaid += 1;
      return;
    }
    const more = last.unsaid === 0 ? '' : ` (and ${last.unsaid} more since the last line)`;
    last.saidAt = now;
    last.unsaid = 0;
    this.#say(`${line}${more}`);
  }
}
