import { GoshawkError } from '../../contract/errors.ts';
import type { HandleFactory } from './runner-handle.ts';
import type { TrialMessage, TrialResult } from './runner-messages.ts';

/**
 * Tries candidates in a separate runner, so that the caller's thread goes on and nothing that they allocate remains.
 * Rejects with GOSHAWK_ENGINE_CRASHED if the runner exits, GOSHAWK_ENGINE_TIMEOUT if it does not answer.
 */
export async function tryVariants(
  createHandle: HandleFactory,
  trial: Omit<TrialMessage, 'type'>,
  timeoutMs: number,
): Promise<readonly TrialResult[]> {
  const handle = createHandle();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => {
        handle.abandon();
        reject(new GoshawkError('GOSHAWK_ENGINE_TIMEOUT', { ms: timeoutMs }));
      }, timeoutMs);
      handle.onMessage((message) => {
        if (message.type === 'tried') resolve(message.results);
      });
      handle.onExit((reason) => {
        reject(new GoshawkError('GOSHAWK_ENGINE_CRASHED', { kind: handle.kind, reason }));
      });
      handle.post({ type: 'trial', ...trial });
    });
  } finally {
    clearTimeout(timer);
    handle.post({ type: 'close' });
  }
}
