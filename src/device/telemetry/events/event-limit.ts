import type { EventBody } from './event-source.ts';

/** Events of one kind and camera within a period, at most. */
const MAX_PER_PERIOD = 4;
const PERIOD_MS = 60_000;

interface Period {
  readonly since: number;
  count: number;
  suppressed: number;
  /** the newest that was held back */
  held: EventBody | null;
}

/**
 * Keeps events from flooding: a few of each kind and camera in a minute. What is beyond that is counted, and the last
 * of it is sent when the minute is over, so that the fleet knows how things are in the end.
 */
export class EventLimit {
  readonly #periods = new Map<string, Period>();

  /** @returns the event, or null if it is held back */
  take(event: EventBody, nowMs: number): EventBody | null {
    const key = `${event.kind} ${event.camera ?? ''}`;
    const period = this.#periods.get(key) ?? { since: nowMs, count: 0, suppressed: 0, held: null };
    this.#periods.set(key, period);
    period.count += 1;
    if (period.count <= MAX_PER_PERIOD) return event;
    if (period.held !== null) period.suppressed += 1;
    period.held = event;
    return null;
  }

  /** What is due now that periods are over. */
  due(nowMs: number): EventBody[] {
    const due: EventBody[] = [];
    for (const [key, { since, held, suppressed }] of this.#periods) {
      if (nowMs - since < PERIOD_MS) continue;
      this.#periods.delete(key);
      if (held !== null) due.push(suppressed > 0 ? { ...held, suppressed } : held);
    }
    return due;
  }
}
