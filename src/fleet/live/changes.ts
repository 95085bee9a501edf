import type { LiveEvent } from '../../contract/fleet/live.ts';
import type { RobotName } from '../store/robot-settings.ts';

/** A robot, and when something of it changed last, milliseconds. */
export interface RobotChange extends RobotName {
  readonly atMs: number;
}

/** How far back changes are read: what an ingestor commits late still counts. */
export const LOOK_BACK_MS = 60_000;
const MAX_NAMED = 500;

/** Tells what is new among the changes of the last minute. */
export class Changes {
  readonly #known = new Map<string, number>();
  #isBegun = false;

  /** @returns what changed since the last call, in one event; null if nothing did, and at the first call */
  take(changes: readonly RobotChange[], nowMs: number): LiveEvent | null {
    const news = new Map<string, RobotName>();
    for (const { site, robot, atMs } of changes) {
      const name = `${site}/${robot}`;
      if (atMs <= (this.#known.get(name) ?? 0)) continue;
      this.#known.set(name, atMs);
      news.set(name, { site, robot });
    }
    for (const [name, atMs] of this.#known) if (atMs < nowMs - 2 * LOOK_BACK_MS) this.#known.delete(name);
    const isFirst = !this.#isBegun;
    this.#isBegun = true;
    return isFirst || news.size === 0 ? null : eventOf([...news.values()]);
  }

  /** Begins anew after a pause. */
  forget(): void {
    this.#known.clear();
    this.#isBegun = false;
  }
}

function eventOf(news: readonly RobotName[]): LiveEvent {
  if (news.length > MAX_NAMED) return { robots: [], isAll: true };
  return { robots: [...news], isAll: false };
}
