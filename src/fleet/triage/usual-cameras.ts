import { addCameras, type CameraDrift } from '../../core/drift/camera-drift.ts';
import { usualOf, type UsualCamera } from '../../core/drift/triage/usual.ts';
import { groupBy } from '../../core/group-by.ts';
import type { Database } from '../store/database.ts';
import { readDriftOf, type OwnedRow } from '../store/read-drift.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Weeks that are looked back. */
const DAYS = 28;
/** Days from which on a bundle counts as one that was there. */
const OLD_DAYS = 7;
/** Detectors that are read at once: about 28 rollups of 2 kB for each camera. */
const AT_ONCE = 100;

/** What a camera showed in earlier weeks, at one time of the day. */
export interface UsualView {
  readonly usual: UsualCamera | null;
  /** all of it together, for histograms; null without any */
  readonly drift: CameraDrift | null;
  /** of the bundles that it had: those of a week ago and older, if there are any that old */
  readonly digests: ReadonlySet<string>;
}

const NOTHING: UsualView = { usual: null, drift: null, digests: new Set() };

/** Hours of the day whose earlier weeks are kept: those of a few pages that look at different times. */
const KEPT_HOURS = 3;

/** What earlier weeks are known to have shown at an hour. */
interface KnownHour {
  readonly senders: Set<number>;
  readonly views: Map<string, UsualView>;
}

/** What is usual for a camera of a detector. */
export type UsualOf = (sender: number, camera: string) => UsualView;

/** Earlier weeks of cameras, kept in memory for the hours that were asked for last. */
export class UsualCameras {
  readonly #database: Pick<Database, 'query'>;
  /** the one that was asked for longest ago first */
  readonly #hours = new Map<number, KnownHour>();

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /** Reads what is not known yet of some detectors. @param atMs in the hour of interest. Throws as `query` does. */
  async read(senders: readonly number[], atMs: number): Promise<UsualOf> {
    const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
    const hour = this.#hourOf(hourMs);
    const missing = senders.filter((sender) => !hour.senders.has(sender));
    const ranges = Array.from({ length: DAYS }, (_, at) => {
      const startMs = hourMs - (at + 1) * DAY_MS;
      return { startMs, endMs: startMs + HOUR_MS };
    });
    for (let first = 0; first < missing.length; first += AT_ONCE) {
      const some = missing.slice(first, first + AT_ONCE);
      take(hour, await readDriftOf(this.#database, '1h', some, ranges), hourMs);
      for (const sender of some) hour.senders.add(sender);
    }
    return (sender, camera) => hour.views.get(keyOf(sender, camera)) ?? NOTHING;
  }

  #hourOf(hourMs: number): KnownHour {
    const hour = this.#hours.get(hourMs) ?? { senders: new Set(), views: new Map() };
    this.#hours.delete(hourMs);
    this.#hours.set(hourMs, hour);
    for (const oldest of [...this.#hours.keys()].slice(0, -KEPT_HOURS)) this.#hours.delete(oldest);
    return hour;
  }
}

function take({ views }: KnownHour, rows: readonly OwnedRow[], hourMs: number): void {
  for (const [key, own] of groupBy(rows, ({ sender, camera }) => keyOf(sender, camera)))
    views.set(key, viewOf(own, hourMs));
}

const keyOf = (sender: number, camera: string): string => `${sender} ${camera}`;

/** A day has a rollup for each bundle, and for each day of receipt: what came late is not another day. */
function viewOf(rows: readonly OwnedRow[], hourMs: number): UsualView {
  const measured = rows.filter(({ drift }) => drift.frames > 0);
  const days = [...groupBy(measured, ({ bucketMs }) => `${bucketMs}`).values()].flatMap((ofDay) => {
    const [first, ...others] = ofDay;
    if (first === undefined) return [];
    const daysAgo = Math.round((hourMs - first.bucketMs) / DAY_MS);
    const drift = others.reduce((sum, row) => addCameras(sum, row.drift), first.drift);
    return [{ daysAgo, drift, digests: ofDay.map(({ digest }) => digest) }];
  });
  const old = days.filter(({ daysAgo }) => daysAgo >= OLD_DAYS);
  const reference = old.length > 0 ? old : days;
  const [first, ...others] = reference.map(({ drift }) => drift);
  return {
    usual: usualOf(days),
    drift: first === undefined ? null : others.reduce(addCameras, first),
    digests: new Set(reference.flatMap(({ digests }) => digests)),
  };
}
