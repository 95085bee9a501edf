import type { LiveImage, LiveImages } from '../runtime/live-images.ts';

interface Watch {
  readonly camera: string;
  stop: () => void;
}

const nothing = (): void => undefined;

/** Maximum wait for an image while nothing is shown, after which streams check again. */
const IDLE_MS = 500;

/**
 * Live images of whatever is configured at the moment. Viewers stay when the model is unloaded and another is loaded,
 * and then see the images of that one.
 */
export class LiveRelay implements LiveImages {
  readonly #watches = new Set<Watch>();
  #view: LiveImages | null = null;

  /** Shows these images from now on, also to present viewers. */
  show(view: LiveImages): void {
    this.hide();
    this.#view = view;
    for (const watch of this.#watches) watch.stop = view.watch(watch.camera);
  }

  /** Shows nothing from now on. */
  hide(): void {
    for (const watch of this.#watches) {
      watch.stop();
      watch.stop = nothing;
    }
    this.#view = null;
  }

  cameras(): readonly string[] {
    return this.#view?.cameras() ?? [];
  }

  watch(camera: string): () => void {
    const watch: Watch = { camera, stop: this.#view?.watch(camera) ?? nothing };
    this.#watches.add(watch);
    return () => {
      watch.stop();
      watch.stop = nothing;
      this.#watches.delete(watch);
    };
  }

  newest(camera: string): LiveImage | null {
    return this.#view?.newest(camera) ?? null;
  }

  next(camera: string, timeoutMs: number): Promise<Uint8Array | null> {
    if (this.cameras().includes(camera)) return this.#view!.next(camera, timeoutMs);
    return new Promise((resolve) => setTimeout(() => resolve(null), Math.min(IDLE_MS, timeoutMs)).unref());
  }
}
