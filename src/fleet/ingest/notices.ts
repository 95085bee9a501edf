import { Pace } from '../../core/pace.ts';
import type { RefusedMessage } from '../check/refusal.ts';

const PERIOD_MS = 10_000;

/** Log lines of things that may happen thousands of times a second: the first at once, then counts. */
export class Notices {
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  readonly #pace = new Pace(PERIOD_MS);

  constructor(say: (line: string) => void, now: () => number = () => performance.now()) {
    this.#say = say;
    this.#now = now;
  }

  /** @param kind of a bounded number: each has its own line at most every 10 s */
  note(kind: string, line: string): void {
    const unsaid = this.#pace.admit(kind, this.#now());
    if (unsaid === null) return;
    const more = unsaid === 0 ? '' : ` (and ${unsaid} more since the last line)`;
    this.#say(`${line}${more}`);
  }
}

/** A message was refused: a line for each reason. */
export function noteRefusal(notices: Notices, { reason, detail, received: { topic } }: RefusedMessage): void {
  const where = JSON.stringify(topic.slice(0, 100));
  notices.note(`refused ${reason}`, `refused (${reason}) a message on ${where}: ${JSON.stringify(detail)}`);
}
