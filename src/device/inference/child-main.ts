import type { FromRunner, ToRunner } from './protocol.ts';
import { serve } from './serve.ts';

/** Entry of a child process. The parent still has the pixels that it sent, so they are not sent back. */

function post(message: FromRunner): void {
  process.send?.(message.type === 'done' ? { ...message, pixels: [] } : message);
}

const receive = serve(post, () => process.disconnect());
process.on('message', (message: ToRunner) => receive(message));
// a terminal's Ctrl-C reaches the whole group: the parent decides when the work in hand is done
process.on('SIGINT', () => undefined);
