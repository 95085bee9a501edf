import { readFile } from 'node:fs/promises';
import { isMainThread, Worker } from 'node:worker_threads';
import { nameThread } from '../../src/platform/thread-name.ts';
import { yieldToOtherThreads } from '../../src/platform/thread-priority.ts';
import { priorities } from '../support/thread-priorities.ts';

/** A process whose second thread yields, and which prints the priorities of its threads. */
if (isMainThread) {
  new Worker(new URL(import.meta.url));
} else {
  nameThread('telemetry');
  await yieldToOtherThreads();
  // has the pool's threads made, if nothing else did
  await readFile('/proc/self/stat');
  process.stdout.write(`${JSON.stringify(priorities())}\n`);
}
