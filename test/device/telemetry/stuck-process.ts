import { randomUUID } from 'node:crypto';
import { TelemetryThread } from '../../../src/device/telemetry/telemetry-thread.ts';

/** A process with a thread that is stuck on the pipe in its argument. Says when the thread counts as closed. */
const nothing = (): void => undefined;
let noteStuck = nothing;
const isStuck = new Promise<void>((resolve) => (noteStuck = resolve));
const thread = new TelemetryThread(
  {
    urls: [],
    site: 'yard',
    robot: 'r1',
    node: 'detector',
    manufacturer: 'Goshawk',
    bootId: randomUUID(),
    outbox: process.argv[2] ?? '',
  },
  new URL('./stuck-main.ts', import.meta.url),
  { onMessage: () => noteStuck(), onEnd: nothing, onAgain: nothing },
  500,
);
await isStuck;
await thread.close();
process.stdout.write('closed\n');
