/**
 * A fixed number of equal buffers that are transferred to the engine and returned. A buffer lost with a process is
 * replaced on the next `acquire`, so the pool never has more than `capacity` and never starves.
 */
export class BufferPool {
  readonly #bytes: number;
  readonly #capacity: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #out = 0;
  #made = 0;

  constructor(bytes: number, capacity: number) {
    this.#bytes = bytes;
    this.#capacity = capacity;
  }

  /** buffers handed out and not yet returned or given up */
  get out(): number {
    return this.#out;
  }

  /** buffers allocated since start; more than the capacity only after losses */
  get made(): number {
    return this.#made;
  }

  /** A buffer with its previous bytes, or `null` while all are out. */
  acquire(): Uint8Array<ArrayBuffer> | null {
    if (this.#out >= this.#capacity) return null;
    this.#out += 1;
    const buffer = this.#free.pop();
    if (buffer !== undefined) return buffer;
    this.#made += 1;
    return new Uint8Array(this.#bytes);
  }

  /** Returns a buffer to the pool. One that is detached or of another size (lost on the way) is ignored. */
  release(buffer: Uint8Array<ArrayBuffer> | undefined): void {
    this.#out -= 1;
    if (buffer?.byteLength === this.#bytes && this.#free.length < this.#capacity) this.#free.push(buffer);
  }
}
