/** Where the thread is, in a number that it shares with its owner. */
const IDLE = 0;
const INSIDE = 1;
/** the owner ends: nothing is begun any more */
const ENDED = 2;

/**
 * Says whether a thread is inside the inference library. Node ends threads where they stand, and the binding
 * of ONNX Runtime does not survive that: its first call after the run fails, it throws a `Napi::Error` that
 * nobody can catch, and the process is aborted. So whoever ends the process waits until the thread is
 * outside, and lets it begin nothing new.
 */
export class NativeTurn {
  /** for the other side */
  readonly memory: SharedArrayBuffer;
  readonly #state: Int32Array;

  /** @param memory of the other side; new memory where it is left out */
  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#state = new Int32Array(memory);
  }

  /** The thread's side: work that may enter the library; left out once the owner ends. */
  async during(work: () => Promise<void>): Promise<void> {
    if (Atomics.compareExchange(this.#state, 0, IDLE, INSIDE) !== IDLE) return;
    try {
      await work();
    } finally {
      Atomics.compareExchange(this.#state, 0, INSIDE, IDLE);
      Atomics.notify(this.#state, 0);
    }
  }

  /**
   * The owner's side: blocks until the thread is outside, after which it stays there. False where it is still
   * inside after so many milliseconds.
   */
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
