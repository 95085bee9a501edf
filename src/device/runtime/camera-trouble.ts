import { REQUESTED_DROPS } from '../../contract/drops.ts';
import { clocksAgree } from '../../core/clocks-agree.ts';
import type { CameraSnapshot } from '../pipeline/statistics/snapshot.ts';

/** frames that are dropped one after the other; fewer say nothing yet */
const MIN_DROPS = 3;

/** so many within the five seconds that rates are counted over */
const MIN_FPS = MIN_DROPS / 5;

/**
 * Says that frames of an active pipeline's camera come in and none goes out, and why the last one did not;
 * `null` where that is not so.
 */
export function nothingOut({
  fps,
  lastDrop,
  dropsInARow,
}: Pick<CameraSnapshot, 'fps' | 'lastDrop' | 'dropsInARow'>): string | null {
  if (fps.out > 0 || lastDrop === null || REQUESTED_DROPS.has(lastDrop)) return null;
  if (fps.in >= MIN_FPS)
    return `${fps.in.toFixed(1)} frames/s come in and none goes out; the last one was dropped as ${lastDrop}`;
  // a camera that is slower than the window of its rates
  return dropsInARow >= MIN_DROPS
    ? `the last ${dropsInARow} frames came in and none went out; the last one was dropped as ${lastDrop}`
    : null;
}

/**
 * Says that a camera's stamps and the clock of this machine are a minute and more apart; `null` where they
 * agree, or nothing is known.
 */
export function clocksApart({ stampAgeMs }: Pick<CameraSnapshot, 'stampAgeMs'>): string | null {
  if (stampAgeMs === null || clocksAgree(stampAgeMs)) return null;
  const seconds = (Math.abs(stampAgeMs) / 1000).toFixed(0);
  return (
    `stamps are ${seconds} s ${stampAgeMs > 0 ? 'behind' : 'ahead of'} the clock here: ` +
    'set use_sim_time for a recording, else synchronize the clocks'
  );
}
