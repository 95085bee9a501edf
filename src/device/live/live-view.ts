import { randomUUID } from 'node:crypto';
import type { ImageView } from '../../core/image/image-view.ts';
import { annotateJpeg } from '../imaging/annotate.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import type { LiveImage } from '../runtime/live-images.ts';
import type { FrameResult, ResultSink } from '../pipeline/frame/frame-result.ts';

export interface LiveViewOptions {
  readonly cameras: readonly string[];
  readonly labels: readonly string[];
  /** seam for tests */
  readonly clock?: Clock;
}

/** Ten images per second and camera at most. */
const INTERVAL_MS = 100;
/** pixels */
const MAX_WIDTH = 960;

class View {
  watchers = 0;
  isRendering = false;
  renderedAt = -Infinity;
  latest: LiveImage | null = null;
  pictures = 0;
  waiting: ((image: Uint8Array | null) => void)[] = [];
}

/** Annotated images for viewers: rendered only while someone watches, and no more often than eyes need. */
export class LiveView implements ResultSink {
  readonly name = 'live-view';
  readonly #views: ReadonlyMap<string, View>;
  readonly #labels: readonly string[];
  readonly #clock: Clock;
  readonly #series = randomUUID().slice(0, 8);

  constructor(options: LiveViewOptions) {
    this.#views = new Map(options.cameras.map((camera) => [camera, new View()]));
    this.#labels = options.labels;
    this.#clock = options.clock ?? systemClock;
  }

  cameras(): readonly string[] {
    return [...this.#views.keys()];
  }

  /** Renders images of this camera until the returned function is called. */
  watch(camera: string): () => void {
    const view = this.#views.get(camera);
    if (view === undefined) return () => undefined;
    view.watchers += 1;
    let isWatching = true;
    return () => {
      if (isWatching) view.watchers -= 1;
      isWatching = false;
    };
  }

  /** The newest image; `null` before the first. */
  newest(camera: string): LiveImage | null {
    return this.#views.get(camera)?.latest ?? null;
  }

  /** The next image, or after `timeoutMs` the newest one; `null` if there is none. */
  next(camera: string, timeoutMs: number): Promise<Uint8Array | null> {
    const view = this.#views.get(camera);
    if (view === undefined) return Promise.resolve(null);
    return new Promise((resolve) => {
      const settle = (image: Uint8Array | null): void => {
        this.#clock.stopTimer(timer);
        resolve(image);
      };
      const timer = this.#clock.startTimer(() => {
        view.waiting = view.waiting.filter((waiter) => waiter !== settle);
        resolve(view.latest?.jpeg ?? null);
      }, timeoutMs);
      view.waiting.push(settle);
    });
  }

  wantsPixels(camera: string): boolean {
    const view = this.#views.get(camera);
    if (view === undefined || view.watchers === 0 || view.isRendering) return false;
    return this.#clock.monotonicMs() - view.renderedAt >= INTERVAL_MS;
  }

  /** Synchronous while nobody watches: a promise would cost every frame a timer and several microtasks. */
  deliver(result: FrameResult, pixels: ImageView | null): Promise<void> | undefined {
    const { camera } = result.envelope;
    const view = this.#views.get(camera);
    if (view === undefined || pixels === null || !this.wantsPixels(camera)) return undefined;
    return this.#render(view, result, pixels);
  }

  async #render(view: View, { envelope, detections }: FrameResult, pixels: ImageView): Promise<void> {
    view.isRendering = true;
    view.renderedAt = this.#clock.monotonicMs();
    try {
      const image = await annotateJpeg(pixels, detections, this.#labels, MAX_WIDTH);
      view.pictures += 1;
      view.latest = { id: `${this.#series}.${envelope.camera}.${String(view.pictures)}`, jpeg: image };
      const { waiting } = view;
      view.waiting = [];
      for (const wake of waiting) wake(image);
    } finally {
      view.isRendering = false;
    }
  }
}
