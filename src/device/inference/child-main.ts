import type { FromRunner, ToRunner } from './runner-messages.ts';
import { serve } from './serve.ts';

/** Entry of a child process. The parent still has the pixels that it sent, so they are not sent back. */

function post(message: FromRunner): void {
  process.send?.(message.type === 'done' ? { ...message, pixels: [] } : message);
}

const receive = serve(post, () => process.disconnect());
process.on('message', (message: ToRunner) => receive(message));
// A terminal's Ctrl-C and a service manager's stop reach the whole group: the parent decides when the work in
// hand is done. Where the parent is gone the channel closes, and with it this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
