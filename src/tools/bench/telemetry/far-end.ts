import { once } from 'node:events';
import { setPriority, constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import { entryUrl } from '../../../platform/entry.ts';
import type { MosquittoProcess } from '../../fleet/mosquitto.ts';
import type { FarEndAnswers, FarEndData, FarEndRequest, SeenOfTrial } from './far-end-message.ts';

/**
 * Broker, network and fleet of the trials, on a thread of their own. They run on the robot's cores here, and on other
 * machines elsewhere: they let the robot go first.
 */
export class FarEnd {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Resolves once the fleet is subscribed. */
  static async start(broker: MosquittoProcess): Promise<FarEnd> {
    if (broker.pid !== null) setPriority(broker.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const worker = new Worker(entryUrl(import.meta.url, './far-end-main.ts'), {
      workerData: { port: broker.port } satisfies FarEndData,
    });
    await once(worker, 'message');
    return new FarEnd(worker);
  }

  /**
   * A trial begins.
   * @param bitsPerSecond of its network; null for no bound
   * @returns where it connects to
   */
  async begin(bitsPerSecond: number | null): Promise<string> {
    return (await this.#ask({ type: 'begin', bitsPerSecond })).url;
  }

  /** The trial is over. */
  async end(): Promise<SeenOfTrial> {
    return this.#ask({ type: 'end' });
  }

  /** @returns what the fleet received in all trials */
  async close(): Promise<FarEndAnswers['close']['received']> {
    const { received } = await this.#ask({ type: 'close' });
    await this.#worker.terminate();
    return received;
  }

  /** @throws the error that ended the thread */
  async #ask<Type extends FarEndRequest['type']>(
    request: FarEndRequest & { readonly type: Type },
  ): Promise<FarEndAnswers[Type]> {
    const answer = once(this.#worker, 'message');
    this.#worker.postMessage(request);
    const [own] = (await answer) as [FarEndAnswers[Type]];
    return own;
  }
}
