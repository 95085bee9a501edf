import { Worker, type TransferListItem } from 'node:worker_threads';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { entryUrl } from '../../platform/entry.ts';
import type { RunnerHandle } from './runner-handle.ts';
import { NativeTurn } from './native-turn.ts';
import type { FromRunner, ToRunner } from './runner-messages.ts';

function transfers(message: ToRunner): TransferListItem[] {
  if (message.type !== 'run') return [];
  return [...message.slabs, ...message.inputs.map(({ pixels }) => pixels.buffer)];
}

/** How long the exit of the process waits for threads inside the inference library, all together. */
const END_MS = 2_000;

/** Of all running threads, abandoned ones included. */
const turns = new Set<NativeTurn>();

/**
 * Runs last in the process, when Node is about to terminate its threads. A thread that does not leave the library would
 * keep the process from exiting and then abort it; in that case the process is killed right away, which loses nothing
 * but its exit code.
 */
function endTurns(): void {
  const limit = performance.now() + END_MS;
  for (const turn of turns) {
    if (turn.endWithin(Math.max(0, limit - performance.now()))) continue;
    const error = new GoshawkError('GOSHAWK_ENGINE_TIMEOUT', { ms: END_MS });
    process.stderr.write(`${describeError(error)}; the process is killed, since it cannot end otherwise\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}

function watchTurn(): NativeTurn {
  if (turns.size === 0 && !process.listeners('exit').includes(endTurns)) process.on('exit', endTurns);
  const turn = new NativeTurn();
  turns.add(turn);
  return turn;
}

/** A runner in a worker thread: buffers cross by transfer, and a native crash takes down the whole process. */
export function createWorkerHandle(): RunnerHandle {
  const turn = watchTurn();
  const worker = new Worker(entryUrl(import.meta.url, './worker-main.ts'), { workerData: turn.memory });
  worker.once('exit', () => turns.delete(turn));
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
