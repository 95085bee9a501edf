import type { DropReason } from '../../contract/drops.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { admit, isRefused } from '../../core/admission/admit.ts';
import type { Frame } from '../../core/frame.ts';
import { encodingOf } from '../../core/image/image-view.ts';
import type { ImageSize } from '../../core/image/image-header.ts';
import { stampAge, StampGuard, type StampLimits } from './stamp-guard.ts';
import { CameraLedger } from './statistics/ledger.ts';
import { RATE_WINDOW_SECONDS, RateWindow } from './statistics/rate-window.ts';
import type { CameraSnapshot } from './statistics/snapshot.ts';
import { LatencyRecorder } from './statistics/stage-latencies.ts';

/** A camera as the operator configures it. */
export interface PipelineCamera {
  readonly name: string;
  /** 1..100: its share of the engine when there are more frames than the engine can handle; default 1 */
  readonly priority?: number;
}

/** What a camera's frames are like. */
export interface CameraShape extends ImageSize {
  /** such as `rgb8` or `jpeg` */
  readonly encoding: string;
}

/** A model that looks at a camera's frames. */
export interface FrameTaker {
  /** False if a frame of this camera is waiting, which another one would replace. */
  readonly hasRoom: boolean;
  take(frame: Frame, size: ImageSize): void;
  /** The stamps started a new timeline. */
  resetClock(): void;
}

/** What the pipeline keeps for a camera, whichever model looks at it: admission, ledger, rates. */
export class CameraIntake {
  readonly name: string;
  readonly priority: number;
  readonly ledger = new CameraLedger();
  readonly #stamps: StampGuard;
  readonly #fpsIn = new RateWindow(RATE_WINDOW_SECONDS);
  readonly #fpsOut = new RateWindow(RATE_WINDOW_SECONDS);
  readonly #totals = new LatencyRecorder();
  /** monotonic milliseconds; `NaN` before the first frame */
  lastReceivedAt = Number.NaN;
  /** milliseconds from the last frame's stamp to its receipt; `NaN` before the first, and if the driver sets none */
  #stampAgeMs = Number.NaN;
  /** of the last admitted frame */
  #size: ImageSize = { width: 0, height: 0 };
  #encoding = '';
  #first: FrameTaker | null = null;
  readonly #shadows: { readonly taker: FrameTaker; readonly ledger: CameraLedger }[] = [];

  /** @throws GoshawkError `GOSHAWK_PARAMETER_INVALID` for a priority out of range */
  constructor({ name, priority = 1 }: PipelineCamera, stamps: StampLimits) {
    if (!(priority >= 1 && priority <= 100))
      throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
        name: `priority of ${name}`,
        value: priority,
        reason: 'must be from 1 to 100',
      });
    this.name = name;
    this.priority = priority;
    this.#stamps = new StampGuard(stamps);
  }

  /** of the last admitted frame; a width of 0 before the first */
  get shape(): CameraShape {
    return { ...this.#size, encoding: this.#encoding };
  }

  /** how often its stamps started a new timeline */
  get clockResets(): number {
    return this.#stamps.clockResets;
  }

  /** Counts a frame that arrived, whatever happens to it. */
  receive(now: number): void {
    this.ledger.receive();
    this.lastReceivedAt = now;
    this.#fpsIn.mark(now);
  }

  /**
   * Returns the size of a frame that may wait for the engine, or the reason to refuse it.
   * @param wallMs now, on the clock that stamps frames
   */
  admit({ envelope, image }: Frame, wallMs: number, now: number): ImageSize | DropReason {
    const size = admit(image);
    if (isRefused(size)) return size.reason;
    this.#stampAgeMs = stampAge(envelope.stamp, wallMs);
    const badStamp = this.#stamps.judge(envelope.stamp, wallMs, now);
    if (badStamp !== null) return badStamp;
    this.#size = size;
    this.#encoding = encodingOf(image);
    return size;
  }

  /**
   * Adds a model. The first one is the camera's main model: it gets every admitted frame, and its ledger is the
   * camera's. Each later one is a shadow with a separate ledger, which only counts the frames that it gets.
   * @returns the ledger that counts its frames
   */
  join(taker: FrameTaker): CameraLedger {
    if (this.#first === null) {
      this.#first = taker;
      return this.ledger;
    }
    const ledger = new CameraLedger();
    this.#shadows.push({ taker, ledger });
    return ledger;
  }

  /**
   * Another model takes the place of the main one: it gets every admitted frame from here on. Frames that the one
   * before has are still its own.
   * @returns the camera's ledger
   */
  replaceFirst(taker: FrameTaker): CameraLedger {
    this.#first = taker;
    return this.ledger;
  }

  /**
   * Passes an admitted frame to the models. A shadow gets a copy, since the first one may transfer the image to another
   * thread, but only if it has room: nothing is copied for a shadow that is too slow.
   */
  pass(frame: Frame, size: ImageSize): void {
    if (this.#shadows.length === 0) {
      this.#first?.take(frame, size);
      return;
    }
    const ready = this.#shadows.filter(({ taker }) => taker.hasRoom);
    const shadowed = ready.map((shadow) => ({ ...shadow, copy: copyOf(frame) }));
    this.#first?.take(frame, size);
    for (const { taker, ledger, copy } of shadowed) {
      ledger.receive();
      taker.take(copy, size);
    }
  }

  /** The stamps started a new timeline. */
  resetClock(): void {
    this.#first?.resetClock();
    for (const { taker } of this.#shadows) taker.resetClock();
  }

  /** One of its frames was published. */
  notePublished(totalMs: number, now: number): void {
    this.#fpsOut.mark(now);
    this.#totals.record(totalMs);
  }

  snapshot(nowMs: number): Omit<CameraSnapshot, 'preprocess'> {
    return {
      priority: this.priority,
      frames: this.ledger.read(),
      fps: { in: this.#fpsIn.rate(nowMs), out: this.#fpsOut.rate(nowMs) },
      latencyMs: this.#totals.summary(),
      lastFrameAgeMs: Number.isNaN(this.lastReceivedAt) ? null : nowMs - this.lastReceivedAt,
      stampAgeMs: Number.isNaN(this.#stampAgeMs) ? null : this.#stampAgeMs,
      clockResets: this.clockResets,
      lastDrop: this.ledger.lastDrop,
      dropsInARow: this.ledger.dropsInARow,
      width: this.#size.width,
      height: this.#size.height,
      encoding: this.#encoding,
    };
  }
}

function copyOf({ envelope, image }: Frame): Frame {
  return { envelope, image: { ...image, data: new Uint8Array(image.data) } };
}
