import type { OutboxWaiting } from '../../../contract/bench-trial.ts';
import type { Status } from '../../../contract/status.ts';

/**
 * What waits in the outbox by a status of telemetry; null if that is off, or has not opened its outbox yet. Nobody
 * counts whose messages wait: at most as many as this process made are its own.
 */
export function waitingIn(telemetry: Status['telemetry']): OutboxWaiting | null {
  const streams = Object.values(telemetry?.streams ?? {});
  if (telemetry === null || streams.length === 0) return null;
  const sum = (value: (stream: (typeof streams)[number]) => number): number =>
    streams.reduce((total, stream) => total + value(stream), 0);
  return {
    connected: telemetry.connected,
    messages: sum(({ waiting }) => waiting),
    bytes: sum(({ waitingBytes }) => waitingBytes),
    ofEarlierBoots: sum(({ waiting, produced }) => Math.max(0, waiting - produced)),
  };
}
