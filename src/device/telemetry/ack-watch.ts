import type { FleetTrouble } from './protocol.ts';

/** Published messages without any acknowledgement for this long are trouble. */
const UNACKNOWLEDGED_MS = 60_000;

/** Notices that a broker takes messages and nobody stores them. */
export class AckWatch {
  #since: number | null = null;
  #acknowledged = 0;

  /**
   * Called about once a second.
   * @param counts what was acknowledged so far, and whether the broker has messages that were not
   */
  look(
    nowMs: number,
    { acknowledged, isAwaiting }: { readonly acknowledged: number; readonly isAwaiting: boolean },
  ): FleetTrouble | null {
    if (!isAwaiting || acknowledged !== this.#acknowledged) this.#since = null;
    this.#acknowledged = acknowledged;
    if (!isAwaiting) return null;
    this.#since ??= nowMs;
    if (nowMs - this.#since < UNACKNOWLEDGED_MS) return null;
    const reason = `messages were published, and none was acknowledged for ${String(UNACKNOWLEDGED_MS / 1000)} s`;
    return { code: 'GOSHAWK_TELEMETRY_UNACKNOWLEDGED', reason };
  }
}
