import type { Stamp } from '../../core/frame.ts';
import { systemClock, type Clock, type TimerHandle } from '../../platform/clock.ts';
import type { FeedFrame, FrameFeed } from './feed.ts';
import type { CameraCounters, CameraEvents, CameraFrame, CameraSource } from './source.ts';

/** Images buffered ahead of time: one more than a turn needs, so that one slow image does not cost a turn. */
const READY = 2;
/** Timers have millisecond resolution, so a turn may start this much early. */
const EARLY_MS = 1;

export interface PacingOptions {
  /** frames per second, for feeds without their own times */
  readonly rate: number;
  readonly frameId: string;
  /** seam for tests */
  readonly clock?: Clock;
}

/** The stamp of a wall-clock time in milliseconds, >= 0. */
export function stampOf(wallMs: number): Stamp {
  const sec = Math.floor(wallMs / 1000);
  const nanosec = Math.min(999_999_999, Math.round((wallMs - sec * 1000) * 1e6));
  return { sec, nanosec };
}

/**
 * Delivers the images of a feed at a steady pace. Turn n is at start + n / rate, always counted from the
 * start, so that delays never add up. A turn that is missed by a whole period is skipped and counted, never
 * made up for in a burst.
 */
export class PacedCamera implements CameraSource {
  readonly #feed: FrameFeed;
  readonly #clock: Clock;
  #period: number;
  readonly #frameId: string;
  readonly #ready: FeedFrame[] = [];
  #onFrame: (frame: CameraFrame) => void = () => undefined;
  #onEnd: (error?: unknown) => void = () => undefined;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #filling: Promise<void> = Promise.resolve();
  #isFilling = false;
  #isExhausted = false;
  #timer: TimerHandle | null = null;
  #startedAt = 0;
  #turn = 0;
  #delivered = 0;
  #skipped = 0;
  #stopping: Promise<void> | undefined;

  constructor(feed: FrameFeed, options: PacingOptions) {
    this.#feed = feed;
    this.#clock = options.clock ?? systemClock;
    this.#period = 1000 / options.rate;
    this.#frameId = options.frameId;
  }

  get description(): string {
    return this.#feed.description;
  }

  async start(
    onFrame: (frame: CameraFrame) => void,
    onEnd: (error?: unknown) => void = () => undefined,
    events: CameraEvents = {},
  ): Promise<void> {
    if (this.#state !== 'new') throw new TypeError('a camera can be started only once');
    this.#state = 'running';
    this.#onFrame = onFrame;
    this.#onEnd = onEnd;
    try {
      await this.#feed.open({
        onUnreadable: (reason, detail) => {
          if (this.#isRunning()) events.onUnreadable?.(reason, detail);
        },
        onNotice: (message) => events.onNotice?.(message),
      });
      this.#period = this.#feed.periodMs ?? this.#period;
      const first = await this.#feed.next();
      if (first === undefined) this.#isExhausted = true;
      else this.#ready.push(first);
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (this.#isRunning()) {
      this.#startedAt = this.#clock.monotonicMs();
      this.#fill();
      this.#arm();
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  counters(): CameraCounters {
    return { delivered: this.#delivered, skipped: this.#skipped, unreadable: this.#feed.unreadable };
  }

  #isRunning(): boolean {
    return this.#state === 'running';
  }

  async #stop(): Promise<void> {
    this.#state = 'stopped';
    if (this.#timer !== null) this.#clock.stopTimer(this.#timer);
    this.#timer = null;
    this.#ready.length = 0;
    await this.#feed.close();
    await this.#filling;
  }

  /** Reads ahead until enough images are ready. */
  #fill(): void {
    if (this.#isFilling || this.#isExhausted || this.#ready.length >= READY) return;
    this.#isFilling = true;
    this.#filling = this.#feed.next().then(
      (frame) => {
        this.#isFilling = false;
        if (!this.#isRunning()) return;
        if (frame === undefined) this.#isExhausted = true;
        else this.#ready.push(frame);
        this.#fill();
        this.#arm();
      },
      (error: unknown) => {
        this.#isFilling = false;
        if (this.#isRunning()) this.#end(error);
      },
    );
  }

  #end(error?: unknown): void {
    const report = (): void => this.#onEnd(error);
    void this.stop().then(report, report);
  }

  /** Sets the timer for the image that is next in line, if there is one. */
  #arm(): void {
    if (this.#timer !== null || !this.#isRunning()) return;
    const head = this.#ready[0];
    if (head === undefined) {
      if (this.#isExhausted) this.#end();
      return;
    }
    const wait = this.#dueAt(head) - this.#clock.monotonicMs();
    this.#timer = this.#clock.startTimer(this.#tick, Math.max(0, wait));
  }

  #dueAt(frame: FeedFrame): number {
    return this.#startedAt + (frame.dueMs ?? this.#turn * this.#period);
  }

  readonly #tick = (): void => {
    this.#timer = null;
    const now = this.#clock.monotonicMs();
    const head = this.#ready[0];
    if (head !== undefined && this.#dueAt(head) <= now + EARLY_MS) this.#take(head, now);
    this.#fill();
    this.#arm();
  };

  #take(head: FeedFrame, now: number): void {
    const missed = Math.floor((now - this.#dueAt(head)) / this.#period);
    this.#ready.shift();
    if (head.dueMs !== undefined) {
      const next = this.#ready[0];
      // if reading is slower than the recording, late frames are better than none: only frames that the next
      // one overtook are skipped
      if (next !== undefined && this.#dueAt(next) <= now) {
        this.#skipped += 1;
        return;
      }
    } else if (missed > 0) {
      this.#skipped += missed;
      this.#turn += missed;
    }
    this.#turn += 1;
    this.#delivered += 1;
    const { image, groundTruth } = head;
    const stamp = stampOf(this.#clock.wallMs());
    this.#onFrame({
      image,
      stamp,
      frameId: this.#frameId,
      ...(groundTruth === undefined ? {} : { groundTruth }),
    });
  }
}
