import { GoshawkError } from '../../contract/errors.ts';
import type { LaneFactory } from './lane.ts';
import type { TrialMessage, TrialResult } from './protocol.ts';

/**
 * Has a runner of its own try candidates, so that the caller's thread goes on and what they leave behind goes
 * with it. Rejects with GOSHAWK_ENGINE_CRASHED where the runner ends, GOSHAWK_ENGINE_TIMEOUT where it does
 * not answer.
 */
export async function tryVariants(
  createLane: LaneFactory,
  trial: Omit<TrialMessage, 'type'>,
  timeoutMs: number,
): Promise<readonly TrialResult[]> {
  const lane = createLane();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => {
        lane.abandon();
        reject(new GoshawkError('GOSHAWK_ENGINE_TIMEOUT', { ms: timeoutMs }));
      }, timeoutMs);
      lane.onMessage((message) => {
        if (message.type === 'tried') resolve(message.results);
      });
      lane.onExit((reason) => {
        reject(new GoshawkError('GOSHAWK_ENGINE_CRASHED', { kind: lane.kind, reason }));
      });
      lane.post({ type: 'trial', ...trial });
    });
  } finally {
    clearTimeout(timer);
    lane.post({ type: 'close' });
  }
}
