import { Worker } from 'node:worker_threads';
import { GoshawkError } from '../../contract/errors.ts';
import { entryUrl } from '../../platform/entry.ts';
import type { FeedFrame, FrameFeed } from './feed.ts';
import type { SimImage, SimRequest, SimSetup } from './sim-protocol.ts';

export interface SimFeedOptions extends SimSetup {
  /** frames per second of the world's time */
  readonly rate: number;
  /**
   * 0, or the number of frames to render before the start and then repeat, so that rendering costs nothing
   */
  readonly loop: number;
}

/**
 * The simulator as a feed: frame n shows the world at n / rate seconds, regardless of the clock. Renders in
 * its own thread.
 */
export class SimFeed implements FrameFeed {
  readonly description: string;
  readonly unreadable = 0;
  readonly #options: SimFeedOptions;
  #worker: Worker | undefined;
  #waiting:
    { readonly resolve: (drawn: SimImage) => void; readonly reject: (error: unknown) => void } | undefined;
  #failure: unknown;
  #index = 0;
  readonly #loop: SimImage[] = [];

  constructor(options: SimFeedOptions) {
    this.#options = options;
    const { width, height, rate, seed } = options;
    this.description = `simulated street ${seed}, ${width}x${height} at ${rate} Hz`;
  }

  async open(): Promise<void> {
    const { seed, width, height, conditions, loop } = this.#options;
    const setup: SimSetup = { seed, width, height, conditions };
    this.#worker = new Worker(entryUrl(import.meta.url, './sim-worker.ts'), {
      workerData: setup,
      name: 'goshawk-camera',
    });
    this.#worker.on('message', (drawn: SimImage) => this.#settle(drawn));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the rendering thread ended')));
    for (let i = 0; i < loop; i += 1) this.#loop.push(await this.#render());
    if (loop > 0) await this.#worker.terminate();
  }

  async next(): Promise<FeedFrame | undefined> {
    const kept = this.#loop.length > 0 ? this.#loop[this.#index++ % this.#loop.length] : undefined;
    return this.#frame(kept === undefined ? await this.#render() : { ...kept, rgb: kept.rgb.slice() });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #frame({ rgb, objects }: SimImage): FeedFrame {
    const { width, height } = this.#options;
    return {
      image: { width, height, encoding: 'rgb8', step: width * 3, data: rgb },
      groundTruth: objects.map(({ label, box, visible }) => ({ label, box, visible })),
    };
  }

  #render(): Promise<SimImage> {
    return new Promise<SimImage>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#asError());
        return;
      }
      const request: SimRequest = { time: this.#index / this.#options.rate };
      this.#index += 1;
      this.#waiting = { resolve, reject };
      this.#worker?.ref();
      this.#worker?.postMessage(request);
    });
  }

  /** The thread keeps the process alive only while an image is requested. */
  #settle(drawn: SimImage): void {
    this.#worker?.unref();
    this.#waiting?.resolve(drawn);
    this.#waiting = undefined;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#asError());
    this.#waiting = undefined;
  }

  #asError(): GoshawkError {
    const reason = this.#failure instanceof Error ? this.#failure.message : String(this.#failure);
    return new GoshawkError('GOSHAWK_CAMERA_UNUSABLE', { camera: 'sim', reason }, { cause: this.#failure });
  }
}
