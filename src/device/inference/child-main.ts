import { nameThread } from '../../platform/thread-name.ts';
import type { FromRunner, ToRunner } from './runner-messages.ts';
import { serve } from './serve.ts';

/** Entry of a child process. The parent keeps the pixels that it sent, so they are not sent back. */

nameThread('inference');

function post(message: FromRunner): void {
  process.send?.(message.type === 'done' ? { ...message, pixels: [] } : message);
}

const receive = serve(post, () => process.disconnect());
process.on('message', (message: ToRunner) => receive(message));
// Ctrl-C in a terminal and a stop by the service manager reach the whole process group: the parent decides when the
// work in flight is done. If the parent is gone, the channel closes and this process ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
