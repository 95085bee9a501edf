/** Where the thread is, as a number that it shares with its owner. */
const IDLE = 0;
const INSIDE = 1;
/** the owner is ending: nothing more may start */
const ENDED = 2;

/**
 * Tracks whether a thread is inside the inference library. Node terminates threads mid-call, and the ONNX Runtime
 * binding does not survive that: its first call after the run fails and throws a `Napi::Error` that nobody can catch,
 * which aborts the process. So whoever ends the process waits until the thread is outside, and keeps it from entering
 * again.
 */
export class NativeTurn {
  /** shared with the other side */
  readonly memory: SharedArrayBuffer;
  readonly #state: Int32Array;

  /** @param memory of the other side; allocated if omitted */
  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#state = new Int32Array(memory);
  }

  /** For the thread: runs work that may enter the library; skipped once the owner is ending. */
  async during(work: () => Promise<void>): Promise<void> {
    if (Atomics.compareExchange(this.#state, 0, IDLE, INSIDE) !== IDLE) return;
    try {
      await work();
    } finally {
      Atomics.compareExchange(this.#state, 0, INSIDE, IDLE);
      Atomics.notify(this.#state, 0);
    }
  }

  /** For the owner: blocks until the thread is outside, where it then stays. False if it is still inside after `ms`. */
  endWithin(ms: number): boolean {
    const limit = performance.now() + ms;
    while (Atomics.compareExchange(this.#state, 0, IDLE, ENDED) === INSIDE) {
      const left = limit - performance.now();
      if (left <= 0) return false;
      Atomics.wait(this.#state, 0, INSIDE, left);
    }
    return true;
  }
}
