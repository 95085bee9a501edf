import { cutText } from '../../core/cut-text.ts';
import { STEP_MS } from '../store/rollup-rows.ts';

/** A merged window may have weeks; what claims more says nothing of time. */
const MAX_WINDOW_MS = 60 * 86_400_000;
/** Of a name. */
const MAX_NAME = 200;
/** Of the names in one window: beyond them, cameras and reasons are counted together. */
export const MAX_NAMES = 64;
export const OTHERS = '(others)';

/** The name that the camera at a place of a window is counted under. */
export function cameraName(camera: string, at: number): string {
  return at < MAX_NAMES ? cutName(camera) : OTHERS;
}

export function cutName(text: string): string {
  return cutText(text, MAX_NAME);
}

/** How long a window is, and its end in ms since the epoch; a window that cannot be true covers nothing. */
export function timesOf({ start, end }: { readonly start: string; readonly end: string }): {
  readonly coveredMs: number;
  readonly untilMs: number;
} {
  const [startMs, endMs] = [Date.parse(start), Date.parse(end)];
  const coveredMs = endMs > startMs && endMs - startMs <= MAX_WINDOW_MS ? endMs - startMs : 0;
  return { coveredMs, untilMs: startMs + coveredMs };
}

/** In which years PostgreSQL reads every date; earlier ones come from clocks that were never set. */
const FIRST_YEAR = '1000';

/** The five minutes in which a window began, ms since the epoch; null if that was before the year 1000. */
export function rollupBucketOf({
  window: { start },
}: {
  readonly window: { readonly start: string };
}): number | null {
  if (start < FIRST_YEAR) return null;
  return Math.floor(Date.parse(start) / STEP_MS['5m']) * STEP_MS['5m'];
}
