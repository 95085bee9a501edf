import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import type { Clock } from '../../platform/clock.ts';
import { errorText } from '../../platform/error-text.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import type { FrameResult, ResultSink } from './frame/frame-result.ts';
import type { SinkCounts } from './statistics/snapshot.ts';

/** The sink whose success makes a frame count as published. */
export const PUBLISHER = 'publisher';

/** unsettled deliveries beyond which a slow or hanging sink is skipped, so that images cannot pile up behind it */
const MAX_UNSETTLED = 4;

type Wanted = 'wantsPixels' | 'wantsImage' | 'wantsStatistics';

/** Sinks but the publisher: `viewers` are those that may want pixels. */
export type Sharing = 'all' | 'viewers' | 'others';

/** One sink and its state. */
class SinkPort {
  readonly sink: ResultSink;
  delivered = 0;
  failed = 0;
  skipped = 0;
  /** deliveries that the sink has not finished; one that timed out still counts */
  unsettled = 0;

  constructor(sink: ResultSink) {
    this.sink = sink;
  }

  /** False for a sink that does not answer. */
  wants(what: Wanted, camera: string): boolean {
    try {
      return this.sink[what]?.(camera) ?? false;
    } catch {
      return false;
    }
  }
}

/** Hands results to sinks and keeps count. Never throws: a sink that fails, hangs or lags affects no other. */
export class Delivery {
  readonly #ports: SinkPort[] = [];
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onFailure: (sink: string, reason: string) => void;

  constructor(options: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly onFailure: (sink: string, reason: string) => void;
  }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
    this.#onFailure = options.onFailure;
  }

  add(sink: ResultSink): void {
    this.#ports.push(new SinkPort(sink));
  }

  /** True while any sink wants the pixels of this camera's next frame. */
  wantsPixels(camera: string): boolean {
    return this.#wants('wantsPixels', camera);
  }

  /** True while any sink wants this camera's next image as it is. */
  wantsImage(camera: string): boolean {
    return this.#wants('wantsImage', camera);
  }

  /** True while any sink wants this camera's next frame to be measured. */
  wantsStatistics(camera: string): boolean {
    return this.#wants('wantsStatistics', camera);
  }

  #wants(what: Wanted, camera: string): boolean {
    for (const port of this.#ports) if (port.wants(what, camera)) return true;
    return false;
  }

  counts(): Record<string, SinkCounts> {
    const counts: Record<string, SinkCounts> = {};
    for (const { sink, delivered, failed, skipped } of this.#ports)
      counts[sink.name] = { delivered, failed, skipped };
    return counts;
  }

  /**
   * Delivers a result to the publisher. False if that failed, lagged too far behind, or did not answer in time; true if
   * there is no publisher.
   */
  publish(result: FrameResult, pixels: ImageView | null): boolean | Promise<boolean> {
    for (const port of this.#ports) {
      if (port.sink.name !== PUBLISHER) continue;
      const outcome = this.#handTo(port, result, pixels);
      return typeof outcome === 'boolean' ? outcome : this.#settle(port, outcome);
    }
    return true;
  }

  /**
   * Delivers a published result to all other sinks, or to those of one kind. The promise resolves when the last of them
   * is done with it, which is never for one that hangs; `null` if all are done already.
   */
  share(
    result: FrameResult,
    pixels: ImageView | null,
    image: ImageView | CompressedView | null = null,
    sharing: Sharing = 'all',
  ): Promise<unknown> | null {
    let pending: Promise<void>[] | null = null;
    for (const port of this.#ports) {
      if (port.sink.name === PUBLISHER) continue;
      if (sharing !== 'all' && (port.sink.wantsPixels !== undefined) !== (sharing === 'viewers')) continue;
      const outcome = this.#handTo(port, result, pixels, image);
      if (typeof outcome === 'boolean') continue;
      void this.#settle(port, outcome);
      (pending ??= []).push(outcome);
    }
    return pending === null ? null : Promise.allSettled(pending);
  }

  /** Whether the sink took the result, or a promise if it does not know yet. */
  #handTo(
    port: SinkPort,
    result: FrameResult,
    pixels: ImageView | null,
    image: ImageView | CompressedView | null = null,
  ): boolean | Promise<void> {
    if (port.unsettled >= MAX_UNSETTLED) {
      port.skipped += 1;
      return false;
    }
    try {
      const settling = port.sink.deliver(result, pixels, image);
      if (settling !== undefined) return settling;
      port.delivered += 1;
      return true;
    } catch (error) {
      return this.#fail(port, error);
    }
  }

  async #settle(port: SinkPort, settling: Promise<void>): Promise<boolean> {
    port.unsettled += 1;
    const letGo = (): void => {
      port.unsettled -= 1;
    };
    settling.then(letGo, letGo);
    try {
      if ((await withTimeLimit(settling, this.#timeoutMs, this.#clock)) === TIME_IS_UP)
        return this.#fail(port, `no answer within ${String(this.#timeoutMs)} ms`);
      port.delivered += 1;
      return true;
    } catch (error) {
      return this.#fail(port, error);
    }
  }

  #fail(port: SinkPort, error: unknown): false {
    port.failed += 1;
    this.#onFailure(port.sink.name, errorText(error));
    return false;
  }
}
