import { openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

/** A thread of telemetry inside a call to the kernel that never returns: a pipe that nobody opens for writing. */
parentPort?.postMessage({ type: 'log', line: 'stuck' });
openSync(z.object({ outbox: z.string() }).parse(workerData).outbox, 'r');
