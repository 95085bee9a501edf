import type { TelemetryTrial } from '../../../contract/bench-telemetry.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { hasBacklog } from './trial-backlog.ts';

/** A trial makes fewer messages itself. */
const FEWEST_SENT = 50;

/**
 * A trial of `backlog` or `catch-up` says something only if the backlog was there for the whole measured time: all of
 * it in the one, in the other a part of which more and more was sent. Other trials are left alone.
 * @param windows that waited on the disk before the trial
 * @throws GoshawkError GOSHAWK_BENCH_BACKLOG
 */
export function checkBacklog(
  { round, condition, outbox }: Pick<TelemetryTrial, 'round' | 'condition' | 'outbox'>,
  windows: number,
): void {
  if (!hasBacklog(condition)) return;
  const { begin = null, end = null } = outbox ?? {};
  const refuse = (reason: string): never => {
    throw new GoshawkError('GOSHAWK_BENCH_BACKLOG', { round: round + 1, condition, reason });
  };
  if (begin === null || end === null) return refuse('its outbox was not open yet when frames began to count');
  const waited = `${begin.messages} messages waited at the beginning, ${end.messages} at the end`;
  if (condition === 'backlog') {
    const least = Math.min(begin.ofEarlierBoots, end.ofEarlierBoots);
    if (least < windows) refuse(`${waited}, of which ${least} were there before, and not all ${windows}`);
    return;
  }
  if (!begin.connected || !end.connected) refuse(`the link was not up the whole time; ${waited}`);
  if (end.ofEarlierBoots === 0) refuse(`all was sent before the end; ${waited}`);
  if (begin.messages - end.messages < FEWEST_SENT) refuse(`hardly anything was sent; ${waited}`);
}
