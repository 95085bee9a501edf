import type { LiveImages } from '../runtime/live-images.ts';

/** How long images are still rendered after the last request. A background tab sends one per second. */
const LEASE_MS = 3_000;

interface Lease {
  readonly unwatch: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Clients that fetch images one by one: each request keeps its camera rendered for a few more seconds, without holding
 * a connection.
 */
export class Viewers {
  readonly #live: LiveImages;
  readonly #leases = new Map<string, Lease>();

  constructor(live: LiveImages) {
    this.#live = live;
  }

  /** Somebody watches a camera. */
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
