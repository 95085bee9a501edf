import { Presence } from '../../../src/fleet/presence/presence.ts';

/** What the metrics of a fleet are read from while nothing happens. */
export function idleFleet() {
  const acks = { sent: 0, dropped: 0, waiting: 0 };
  const ledger = { settled: 0, reopened: 0 };
  return {
    ingestor: { presence: new Presence(), links: () => [], waiting: 0, lagSeconds: 0, acks },
    jobs: { health: () => [], lagSeconds: 0, rollups: 0, postponed: 0, ledger },
    clips: { kept: null },
  };
}
