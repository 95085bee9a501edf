import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { LiveImages } from '../runtime/live-images.ts';

/** Maximum number of streams: each holds a connection and an image, so clients must not pile them up. */
const MAX_STREAMS = 8;
const IMAGE_WAIT_MS = 2_000;
const BOUNDARY = 'goshawkframe';

/** Motion JPEG for simple viewers. A viewer keeps its stream when another model is loaded. */
export class LiveStreams {
  readonly #live: LiveImages;
  readonly #open = new Set<ServerResponse>();

  constructor(live: LiveImages) {
    this.#live = live;
  }

  /**
   * Sends images until the viewer leaves or the camera is no longer configured; a slow viewer gets fewer, never a
   * backlog.
   */
  send(camera: string, response: ServerResponse): void {
    if (this.#open.size >= MAX_STREAMS) {
      response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '5' });
      response.end(`all ${MAX_STREAMS} live streams are taken; close another viewer\n`);
      return;
    }
    this.#open.add(response);
    const unwatch = this.#live.watch(camera);
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
      unwatch();
      this.#open.delete(response);
    });
    void this.#sendImages(camera, response, gone.signal).catch(() => response.destroy());
  }

  async #sendImages(camera: string, response: ServerResponse, gone: AbortSignal): Promise<void> {
    response.writeHead(200, {
      'content-type': `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
      'cache-control': 'no-store',
    });
    while (!gone.aborted) {
      const cameras = this.#live.cameras();
      if (cameras.length > 0 && !cameras.includes(camera)) {
        response.end();
        return;
      }
      const jpeg = await this.#live.next(camera, IMAGE_WAIT_MS);
      if (jpeg === null || gone.aborted) continue;
      response.write(`--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      response.write(jpeg);
      // The signal removes the listeners again: a race of two events would leave the loser's behind, image after image.
      if (!response.write('\r\n')) await once(response, 'drain', { signal: gone });
    }
  }

  close(): void {
    for (const response of this.#open) response.destroy();
  }
}
