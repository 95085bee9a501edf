import { parentPort, workerData, type TransferListItem } from 'node:worker_threads';
import { nameThread } from '../../platform/thread-name.ts';
import { NativeTurn } from './native-turn.ts';
import type { FromRunner, ToRunner } from './runner-messages.ts';
import { serve } from './serve.ts';

/** Entry of a worker thread. Buffers return the way they came: by transfer. */

nameThread('inference');
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

function transfers(message: FromRunner): TransferListItem[] {
  if (message.type !== 'done') return [];
  return [...message.slabs, ...message.pixels.map(({ buffer }) => buffer)];
}

const receive = serve(
  (message) => port.postMessage(message, transfers(message)),
  () => port.close(),
  new NativeTurn(workerData as SharedArrayBuffer),
);
port.on('message', (message: ToRunner) => receive(message));
