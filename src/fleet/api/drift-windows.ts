import type { RobotDrift, RobotDriftQuery } from '../../contract/fleet/drift.ts';
import type { Database } from '../store/database.ts';
import { readDriftWindows } from '../store/read-drift.ts';
import { readNodes } from '../store/read-history.ts';

const HOUR_MS = 3_600_000;
/** Of one answer: a day and a half of windows of a minute, which have about 2 kB for each camera. */
const MAX_WINDOWS = 2_000;
const MAX_BYTES = 16 << 20;

/**
 * Drift windows of a robot as it sent them, while its messages are kept: the newest ones if there are too many for an
 * answer. Null for a robot that is not known. Throws as `Database.query` does.
 */
export async function listDriftWindows(
  database: Database,
  robot: { readonly site: string; readonly robot: string },
  { hours, until }: RobotDriftQuery,
  now: Date,
  limits = { windows: MAX_WINDOWS, bytes: MAX_BYTES },
): Promise<RobotDrift | null> {
  const nodes = await readNodes(database, robot);
  if (nodes.size === 0) return null;
  const endMs = until === undefined ? now.getTime() : Date.parse(until);
  const range = { startMs: endMs - hours * HOUR_MS, endMs };
  const { windows, isPartial } = await readDriftWindows(database, [...nodes.keys()], range, limits);
  const first = windows[0]?.window.start;
  return {
    generatedAt: now.toISOString(),
    start: isPartial && first !== undefined ? first : new Date(range.startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    isPartial,
    windows: [...windows],
  };
}
