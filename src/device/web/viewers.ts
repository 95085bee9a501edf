import type { LiveImages } from '../runtime/live-images.ts';

/** Images are rendered for so long after somebody last asked for one. A tab in the background asks once a second. */
const LEASE_MS = 3_000;

interface Lease {
  readonly unwatch: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Who fetches images one by one: each request keeps its camera rendered for some seconds more, and holds
 * nothing open.
 */
export class Viewers {
  readonly #live: LiveImages;
  readonly #leases = new Map<string, Lease>();

  constructor(live: LiveImages) {
    this.#live = live;
  }

  /** Somebody looks at a camera. */
  look(camera: string): void {
    const lease = this.#leases.get(camera);
    if (lease !== undefined) {
      lease.timer.refresh();
      return;
    }
    const unwatch = this.#live.watch(camera);
    const timer = setTimeout(() => {
      this.#leases.delete(camera);
      unwatch();
    }, LEASE_MS).unref();
    this.#leases.set(camera, { unwatch, timer });
  }

  close(): void {
    for (const { unwatch, timer } of this.#leases.values()) {
      clearTimeout(timer);
      unwatch();
    }
    this.#leases.clear();
  }
}
