import type { KeptFrame } from './kept-frame.ts';

export interface RingLimits {
  /** how long frames are kept, milliseconds */
  readonly ageMs: number;
  /** of the images of all cameras */
  readonly bytes: number;
}

/** The newest frames of all cameras, bounded in time and bytes. */
export class FrameRing {
  readonly #limits: RingLimits;
  /** oldest first */
  readonly #frames: KeptFrame[] = [];
  #bytes = 0;

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  get frames(): number {
    return this.#frames.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a frame over, and lets go of those that are too old or too much. */
  add(frame: KeptFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.bytes;
    this.#trim(frame.envelope.receivedAt);
  }

  /** The frames of these cameras since a time, oldest first, held for the caller. */
  hold(cameras: ReadonlySet<string>, sinceMs: number): KeptFrame[] {
    return this.#frames
      .filter(({ envelope }) => cameras.has(envelope.camera) && envelope.receivedAt >= sinceMs)
      .map((frame) => frame.hold());
  }

  clear(): void {
    for (const frame of this.#frames) frame.letGo();
    this.#frames.length = 0;
    this.#bytes = 0;
  }

  #trim(nowMs: number): void {
    let gone = 0;
    for (const frame of this.#frames) {
      const isOld = nowMs - frame.envelope.receivedAt > this.#limits.ageMs;
      if (!isOld && this.#bytes <= this.#limits.bytes) break;
      this.#bytes -= frame.bytes;
      frame.letGo();
      gone += 1;
    }
    this.#frames.splice(0, gone);
  }
}
