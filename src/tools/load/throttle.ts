import { cpuSecondsOf } from '../fleet/processes.ts';
import type { ServeProcess } from '../fleet/serve-process.ts';

const LOOK_MS = 5;
/** What may be made up for, seconds of CPU. */
const SLACK_SECONDS = 0.02;

/**
 * Holds processes to a share of a core each, by stopping them while they have used more. On a machine with few cores
 * this shows whether a second ingestor adds what the first one does.
 * @returns a function that ends it
 */
export function throttle(processes: readonly ServeProcess[], share: number): () => void {
  const states = processes.map((one) => ({ one, allowed: usedBy(one), isHeld: false }));
  let before = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const earned = ((now - before) / 1_000) * share;
    before = now;
    for (const state of states) {
      const used = usedBy(state.one);
      state.allowed = Math.min(state.allowed + earned, used + SLACK_SECONDS);
      const isOver = used > state.allowed;
      if (isOver !== state.isHeld) state.one.hold(isOver);
      state.isHeld = isOver;
    }
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    for (const { one } of states) one.hold(false);
  };
}

function usedBy({ pid }: ServeProcess): number {
  return pid === null ? 0 : cpuSecondsOf(pid);
}
