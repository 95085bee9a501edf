import { randomFillSync } from 'node:crypto';
import type { FrameEnvelope, Stamp } from '../../core/frame.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';

const TRACE_BYTES = 16;
/** trace ids are cut from a block of random bytes: one system call for many frames */
const BLOCK_BYTES = TRACE_BYTES * 256;

export interface EnvelopeOptions {
  /** milliseconds after receipt at which a result is worthless; 0 (the default) for none */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
}

/** Makes the envelopes of one camera's frames: counts them, notes when they came, and gives each a trace id. */
export class EnvelopeMaker {
  readonly #camera: string;
  readonly #deadlineMs: number;
  readonly #clock: Clock;
  readonly #random = Buffer.alloc(BLOCK_BYTES);
  #randomUsed = BLOCK_BYTES;
  #sequence = 0;

  constructor(camera: string, options: EnvelopeOptions = {}) {
    this.#camera = camera;
    this.#deadlineMs = options.deadlineMs ?? 0;
    this.#clock = options.clock ?? systemClock;
  }

  /** The envelope of the frame that arrived just now. */
  next(stamp: Stamp, frameId: string): FrameEnvelope {
    const receivedAt = this.#clock.monotonicMs();
    return {
      camera: this.#camera,
      sequence: this.#sequence++,
      stamp,
      frameId,
      receivedAt,
      deadline: this.#deadlineMs > 0 ? receivedAt + this.#deadlineMs : Infinity,
      traceId: this.#traceId(),
    };
  }

  #traceId(): string {
    if (this.#randomUsed === BLOCK_BYTES) {
      randomFillSync(this.#random);
      this.#randomUsed = 0;
    }
    const start = this.#randomUsed;
    this.#randomUsed += TRACE_BYTES;
    return this.#random.toString('hex', start, start + TRACE_BYTES);
  }
}
