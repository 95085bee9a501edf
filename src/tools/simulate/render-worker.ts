import { parentPort, workerData } from 'node:worker_threads';
import { renderRange, type RangeJob } from './render-range.ts';

/** A thread of `goshawk simulate`: renders its share of the scenes and reports each one. */
const port = parentPort;
if (port !== null) {
  for await (const scene of renderRange(workerData as RangeJob)) port.postMessage(scene);
}
