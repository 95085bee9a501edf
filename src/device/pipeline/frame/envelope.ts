import type { FrameEnvelope, Stamp } from '../../../core/frame.ts';
import { systemClock, type Clock } from '../../../platform/clock.ts';

export interface EnvelopeOptions {
  /** milliseconds after receipt at which a result is worthless; 0 (the default) for none */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
}

/** Creates the envelopes of one camera's frames: numbers them and records when they arrived. */
export class EnvelopeMaker {
  readonly #camera: string;
  readonly #deadlineMs: number;
  readonly #clock: Clock;
  #sequence = 0;

  constructor(camera: string, options: EnvelopeOptions = {}) {
    this.#camera = camera;
    this.#deadlineMs = options.deadlineMs ?? 0;
    this.#clock = options.clock ?? systemClock;
  }

  /** The envelope of the frame that has just arrived. */
  next(stamp: Stamp, frameId: string): FrameEnvelope {
    const receivedAt = this.#clock.monotonicMs();
    return {
      camera: this.#camera,
      sequence: this.#sequence++,
      stamp,
      frameId,
      receivedAt,
      deadline: this.#deadlineMs > 0 ? receivedAt + this.#deadlineMs : Infinity,
    };
  }
}
