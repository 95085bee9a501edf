import { statusSchema, type Status } from '../../contract/status.ts';

/** Gets the status of a device; null while it does not answer or has no session. */
export async function fetchStatus(url: string): Promise<Status | null> {
  try {
    const response = await fetch(new URL('/api/status', url), { signal: AbortSignal.timeout(2000) });
    if (!response.ok) return null;
    return statusSchema.parse(await response.json());
  } catch {
    return null;
  }
}
