import { parentPort } from 'node:worker_threads';

/** The thread of telemetry, which ends as soon as it is told of an event of this kind. */
const DEADLY_KIND = 'deadly';

interface Told {
  readonly body?: { readonly kind?: string };
}

// The first listener has what came before it: the thread's own comes first, or it would miss that.
await import('../../../src/device/telemetry/telemetry-main.ts');
parentPort?.on('message', ({ body }: Told) => {
  if (body?.kind === DEADLY_KIND) throw new Error('out of luck');
});
