import { setTimeout as sleep } from 'node:timers/promises';

/** Between two faults, and how long something that was killed stays down, milliseconds, at random within. */
export const BETWEEN_FAULTS_MS = [200, 1_500] as const;
export const DOWN_MS = [100, 1_500] as const;

/** Waits. Rejects with the reason of the signal, if that ends it. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
