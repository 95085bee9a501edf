import { randomBytes } from 'node:crypto';
import { LIVE_EVENT, type LiveEvent } from '../../contract/fleet/live.ts';

/** Events that a client which returns can still get: two minutes' worth. */
const MAX_EVENTS = 120;
const ALL: LiveEvent = { robots: [], isAll: true };

/** The latest events, as server-sent events, so that a client that lost its connection misses none. */
export class EventLog {
  /** ids of another process, or from before a pause, are not taken for ours */
  #epoch = randomBytes(4).toString('hex');
  #texts: string[] = [];
  /** of the newest event */
  #last = 0;

  /** @returns the event as it is sent */
  add(event: LiveEvent): string {
    this.#last += 1;
    const text = this.#textOf(event);
    this.#texts.push(text);
    if (this.#texts.length > MAX_EVENTS) this.#texts.shift();
    return text;
  }

  /**
   * What a client has to be sent first.
   * @param id of the last event that it has; absent for a new client, which has nothing to catch up with
   */
  since(id: string | undefined): readonly string[] {
    if (id === undefined || id === '') return [];
    const [epoch, number] = id.split('-');
    const missed = this.#last - Number(number);
    const isKnown = epoch === this.#epoch && missed >= 0 && missed <= this.#texts.length;
    return isKnown ? this.#texts.slice(this.#texts.length - missed) : [this.#textOf(ALL)];
  }

  /** What follows is not known any more: whoever returns reads everything again. */
  forget(): void {
    this.#epoch = randomBytes(4).toString('hex');
    this.#texts = [];
    this.#last = 0;
  }

  #textOf(event: LiveEvent): string {
    return `id: ${this.#epoch}-${this.#last}\nevent: ${LIVE_EVENT}\ndata: ${JSON.stringify(event)}\n\n`;
  }
}
