import type { Speaker } from '../../contract/telemetry/speaker.ts';
import { readTopic } from '../check/read-message.ts';
import { Refused } from '../check/refused.ts';

/** Detectors of one robot. */
const MAX_OF_ROBOT = 32;
/** Of all robots at one ingestor: about 200 bytes each. */
const MAX_ALL = 200_000;

/**
 * The names under which robots have spoken since the start. Brokers hold a robot to its site and name, but not to names
 * of detectors: each takes room in memory and in the database, so that a robot may not invent any number of them.
 */
export class DetectorNames {
  readonly #nodes = new Map<string, Set<string>>();
  /** as `readTopic` remembers them */
  readonly #admitted = new WeakSet<Speaker>();
  #count = 0;

  /** @throws Refused if the topic is none, or of one detector too many */
  admit(topic: string): void {
    const { sender } = readTopic(topic);
    if (this.#admitted.has(sender)) return;
    this.#add(sender);
    this.#admitted.add(sender);
  }

  #add({ site, robot, node }: Speaker): void {
    const name = `${site}/${robot}`;
    const nodes = this.#nodes.get(name) ?? new Set();
    if (nodes.has(node)) return;
    if (nodes.size >= MAX_OF_ROBOT)
      throw new Refused(
        'sender',
        `more than ${MAX_OF_ROBOT} detectors of one robot since the ingestor started`,
      );
    if (this.#count >= MAX_ALL)
      throw new Refused('sender', `more than ${MAX_ALL} detectors since the ingestor started`);
    this.#nodes.set(name, nodes.add(node));
    this.#count += 1;
  }
}
