import type { DropReason } from '../../contract/drops.ts';
import { clocksAgree } from '../../core/clocks-agree.ts';
import type { CameraSnapshot } from '../pipeline/statistics/snapshot.ts';

/** Frames that are left out because somebody asked for it. */
const WANTED: ReadonlySet<DropReason> = new Set(['rate_limited', 'inactive']);

/** three frames within the five seconds that rates are counted over: fewer say nothing yet */
const MIN_FPS = 0.6;

/**
 * Says that frames of an active pipeline's camera come in and none goes out, and why the last one did not;
 * `null` where that is not so.
 */
export function nothingOut({ fps, lastDrop }: Pick<CameraSnapshot, 'fps' | 'lastDrop'>): string | null {
  if (fps.in < MIN_FPS || fps.out > 0 || lastDrop === null || WANTED.has(lastDrop)) return null;
  return `${fps.in.toFixed(1)} frames/s come in and none goes out; the last one was dropped as ${lastDrop}`;
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
