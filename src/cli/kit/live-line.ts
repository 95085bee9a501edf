/** Where lines are printed: standard output or standard error. */
export type LineOutput = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>;

export interface LiveLineOptions {
  /** milliseconds between two lines in a file or a pipe */
  readonly everyMs?: number;
  /** milliseconds; seam for tests */
  readonly now?: () => number;
}

/** milliseconds between two lines on a terminal */
const LIVE_MS = 100;
const REWRITE = '\r\u001b[2K';

/** A status line: rewritten in place on a terminal, printed as a new line from time to time elsewhere. */
export class LiveLine {
  readonly #out: LineOutput;
  readonly #now: () => number;
  readonly #everyMs: number;
  #shownAt = -Infinity;
  #isOpen = false;

  constructor(out: LineOutput, { everyMs = 5_000, now = () => performance.now() }: LiveLineOptions = {}) {
    this.#out = out;
    this.#now = now;
    this.#everyMs = out.isTTY ? LIVE_MS : everyMs;
  }

  /** @param isNews shown immediately, however recent the last one is */
  show(line: string, isNews = false): void {
    const now = this.#now();
    if (!isNews && now - this.#shownAt < this.#everyMs) return;
    this.#shownAt = now;
    this.#out.write(this.#out.isTTY ? `${REWRITE}${line.slice(0, this.#out.columns - 1)}` : `${line}\n`);
    this.#isOpen = this.#out.isTTY;
  }

  /** Prints a line that stays, in place of the live one. */
  say(line: string): void {
    this.#out.write(this.#isOpen ? `${REWRITE}${line}\n` : `${line}\n`);
    this.#isOpen = false;
  }

  /** Removes the live line. */
  clear(): void {
    if (this.#isOpen) this.#out.write(REWRITE);
    this.#isOpen = false;
  }
}

/**
 * Progress of a counting command on standard error: `evaluate: 12/40 images`. The last count stays.
 * @param more text to add to a count
 */
export function countProgress(
  command: string,
  what: string,
  more: (done: number) => string = () => '',
): (done: number, total: number) => void {
  const line = new LiveLine(process.stderr);
  return (done, total) => {
    const text = `${command}: ${done}/${total} ${what}${more(done)}`;
    if (done < total) line.show(text);
    else line.say(text);
  };
}
