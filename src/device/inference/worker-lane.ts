import { Worker, type TransferListItem } from 'node:worker_threads';
import { entryUrl, type Lane } from './lane.ts';
import type { FromRunner, ToRunner } from './protocol.ts';

function transfers(message: ToRunner): TransferListItem[] {
  if (message.type !== 'run') return [];
  return [...message.slabs, ...message.inputs.map(({ pixels }) => pixels.buffer)];
}

/** A runner in a worker thread: buffers cross by transfer, a native crash ends the whole process. */
export function createWorkerLane(): Lane {
  const worker = new Worker(entryUrl('worker-main'));
  let failure: string | null = null;
  worker.on('error', (error) => {
    failure = error instanceof Error ? error.message : String(error);
  });
  return {
    kind: 'worker',
    pid: null,
    post: (message) => worker.postMessage(message, transfers(message)),
    onMessage: (listener) => void worker.on('message', (message: FromRunner) => listener(message)),
    onExit: (listener) =>
      void worker.once('exit', (code) => listener(failure ?? `the thread ended with code ${code}`)),
    abandon: () => {
      worker.postMessage({ type: 'close' } satisfies ToRunner);
      worker.unref();
    },
  };
}
