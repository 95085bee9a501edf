import { z } from 'zod';
import { tryParseJson } from '../../../contract/json.ts';

const DAY_SECONDS = 86_400;

const savedSchema = z.object({ clock: z.number().min(0), used: z.number().min(0) });

/** What the disk holds of a meter. */
export type SavedMeter = z.infer<typeof savedSchema>;

/** A meter as the disk holds it; null for what is not one. */
export function readMeter(record: string): SavedMeter | null {
  return savedSchema.safeParse(tryParseJson(record)).data ?? null;
}

/** Bytes that were published in the current day of the outbox's own clock, over all boots of a disk. */
export class Meter {
  readonly #now: () => number;
  #day: number;
  #used: number;

  /** @param now seconds of the outbox's clock */
  constructor(now: () => number, saved: SavedMeter | null) {
    this.#now = now;
    this.#day = dayOf(saved?.clock ?? now());
    this.#used = saved?.used ?? 0;
  }

  get used(): number {
    this.#turn();
    return this.#used;
  }

  add(bytes: number): void {
    this.#turn();
    this.#used += bytes;
  }

  /** The record for the disk. */
  record(): string {
    return JSON.stringify({ clock: this.#now(), used: this.used } satisfies SavedMeter);
  }

  #turn(): void {
    const day = dayOf(this.#now());
    if (day !== this.#day) this.#used = 0;
    this.#day = day;
  }
}

function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY_SECONDS);
}
