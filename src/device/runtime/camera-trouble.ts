import { REQUESTED_DROPS } from '../../contract/drops.ts';
import { clocksAgree } from '../../core/clocks-agree.ts';
import { RATE_WINDOW_SECONDS } from '../pipeline/statistics/rate-window.ts';
import type { CameraSnapshot } from '../pipeline/statistics/snapshot.ts';

/** frames dropped in a row; fewer mean nothing yet */
const MIN_DROPS = 3;

/** the same number within the window of the rates */
const MIN_FPS = MIN_DROPS / RATE_WINDOW_SECONDS;

/**
 * Reports that an active pipeline receives frames of a camera but publishes none, and why the last one was dropped;
 * `null` otherwise.
 */
export function nothingOut({
  fps,
  lastDrop,
  dropsInARow,
}: Pick<CameraSnapshot, 'fps' | 'lastDrop' | 'dropsInARow'>): string | null {
  if (fps.out > 0 || lastDrop === null || REQUESTED_DROPS.has(lastDrop)) return null;
  if (fps.in >= MIN_FPS)
    return `${fps.in.toFixed(1)} frames/s arrive but none is published; the last one was dropped as ${lastDrop}`;
  // a camera slower than the window of its rates
  return dropsInARow >= MIN_DROPS
    ? `the last ${dropsInARow} frames arrived but none was published; the last one was dropped as ${lastDrop}`
    : null;
}

/**
 * Reports that a camera's stamps and the clock of this machine differ by a minute or more; `null` if they agree, or
 * nothing is known.
 */
export function clocksApart({ stampAgeMs }: Pick<CameraSnapshot, 'stampAgeMs'>): string | null {
  if (stampAgeMs === null || clocksAgree(stampAgeMs)) return null;
  const seconds = (Math.abs(stampAgeMs) / 1000).toFixed(0);
  return (
    `stamps are ${seconds} s ${stampAgeMs > 0 ? 'behind' : 'ahead of'} the clock of this machine: ` +
    'set use_sim_time for a recording, else synchronize the clocks'
  );
}
