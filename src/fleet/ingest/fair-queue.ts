import type { Waiting } from './unpack.ts';

/** Messages that a robot may have in a row before it is another one's turn. */
const TURN = 16;

/** What one robot has waiting. */
interface Line {
  readonly messages: Waiting[];
  /** how many of them were taken */
  taken: number;
  bytes: number;
}

/** Messages of robots, in order within each; robots take turns, so one that has much waiting delays no other. */
export class FairQueue {
  /** in the order of their turns */
  readonly #lines = new Map<string, Line>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What waits of one robot. */
  of(robot: string): { readonly messages: number; readonly bytes: number } {
    const line = this.#lines.get(robot);
    return line === undefined
      ? { messages: 0, bytes: 0 }
      : { messages: line.messages.length - line.taken, bytes: line.bytes };
  }

  /** When the oldest was received; null if none waits. */
  get oldestMs(): number | null {
    let oldest: number | null = null;
    for (const { messages, taken } of this.#lines.values()) {
      const at = messages[taken]?.received.receivedMs ?? Infinity;
      oldest = Math.min(oldest ?? Infinity, at);
    }
    return oldest;
  }

  add(robot: string, messages: readonly Waiting[]): void {
    let line = this.#lines.get(robot);
    if (line === undefined) {
      line = { messages: [], taken: 0, bytes: 0 };
      this.#lines.set(robot, line);
    }
    for (const one of messages) {
      line.messages.push(one);
      line.bytes += one.received.payload.length;
    }
    this.#size += messages.length;
  }

  /** Takes up to `count` messages and `bytes` of payloads, but at least one if there is one. */
  take(count: number, bytes: number): Waiting[] {
    const taken: Waiting[] = [];
    let sum = 0;
    const isFull = (): boolean => taken.length >= count || (taken.length > 0 && sum >= bytes);
    while (this.#size > 0 && !isFull()) {
      const [next] = this.#lines;
      if (next === undefined) break;
      const [robot, line] = next;
      for (let turn = 0; turn < TURN && line.taken < line.messages.length && !isFull(); turn += 1)
        sum += this.#takeFirst(line, taken);
      this.#lines.delete(robot);
      if (line.taken < line.messages.length) this.#lines.set(robot, compact(line));
    }
    return taken;
  }

  /** @returns bytes of its payload */
  #takeFirst(line: Line, to: Waiting[]): number {
    const one = line.messages[line.taken];
    if (one === undefined) return 0;
    line.taken += 1;
    this.#size -= 1;
    to.push(one);
    const { length } = one.received.payload;
    line.bytes -= length;
    return length;
  }
}

/** Forgets what was taken, once it is more than half. */
function compact(line: Line): Line {
  if (line.taken * 2 < line.messages.length) return line;
  line.messages.splice(0, line.taken);
  line.taken = 0;
  return line;
}
