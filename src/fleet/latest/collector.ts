import type { Speaker } from '../../contract/telemetry/speaker.ts';
import type { Database } from '../store/database.ts';
import type { FleetMessage } from '../store/fleet-message.ts';
import { updateLatest, type LatestChange } from '../store/latest-rows.ts';
import type { PackedWindow } from '../store/packed-window.ts';
import { newestOf, sumWindows } from './recent.ts';

/** Detectors that wait for their update, at most: each has its newest messages. */
const MAX_WAITING = 50_000;
const MAX_IN_BATCH = 2_000;
const MAX_WINDOWS = 6;

interface Pending extends LatestChange {
  state: object | null;
  stateAtMs: number;
  readonly windows: PackedWindow[];
}

/**
 * Keeps `fleet.latest` up to what is stored: of each detector only the newest messages count, so the work grows with
 * detectors and not with messages. What a killed process had not written comes with a detector's next message.
 */
export class LatestCollector {
  readonly #pending = new Map<string, Pending>();

  /** Messages that are stored. */
  note(messages: readonly FleetMessage[]): void {
    for (const { sender, latest, receivedMs } of messages) {
      const pending = this.#pendingOf(sender);
      if (pending === null || latest === null) continue;
      if ('window' in latest) {
        pending.windows.push(latest.window);
        if (pending.windows.length > MAX_WINDOWS) pending.windows.shift();
      } else Object.assign(pending, { state: latest.state, stateAtMs: receivedMs });
    }
  }

  /** Senders whose ledger changed otherwise: of messages that are in quarantine. */
  noteSenders(senders: readonly Speaker[]): void {
    for (const sender of senders) this.#pendingOf(sender);
  }

  /** Writes what was noted. Throws as `Database.query` does. @returns whether there is more */
  async flush(database: Pick<Database, 'transaction'>): Promise<boolean> {
    const batch = [...this.#pending].slice(0, MAX_IN_BATCH);
    if (batch.length === 0) return false;
    for (const [key] of batch) this.#pending.delete(key);
    try {
      await updateLatest(
        database,
        batch.map(([, pending]) => pending),
        (recent) => {
          const windows = newestOf(recent);
          return { recent: windows, summary: sumWindows(windows) };
        },
      );
    } catch (error) {
      for (const [key, pending] of batch) if (!this.#pending.has(key)) this.#pending.set(key, pending);
      throw error;
    }
    return this.#pending.size > 0;
  }

  /** @returns null if too many wait already */
  #pendingOf(sender: Speaker): Pending | null {
    const key = `${sender.site}/${sender.robot}/${sender.node}`;
    const known = this.#pending.get(key);
    if (known !== undefined) return known;
    if (this.#pending.size >= MAX_WAITING) return null;
    const pending: Pending = { sender, state: null, stateAtMs: 0, windows: [] };
    this.#pending.set(key, pending);
    return pending;
  }
}
