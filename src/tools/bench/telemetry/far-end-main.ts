import { parentPort, workerData } from 'node:worker_threads';
import { yieldToOtherThreads } from '../../../platform/thread-priority.ts';
import { FaultNetwork } from '../../faults/network.ts';
import { AckingFleet, type ReceivedStream } from './acking-fleet.ts';
import type { FarEndAnswers, FarEndData, FarEndRequest, SeenOfTrial } from './far-end-message.ts';

const NOTHING: ReceivedStream = { messages: 0, bytes: 0 };

const port = parentPort;
if (port === null) throw new Error('far-end-main is the entry of a worker thread');
await yieldToOtherThreads();
const { port: brokerPort } = workerData as FarEndData;
const brokerUrl = `mqtt://127.0.0.1:${brokerPort}`;
const fleet = await AckingFleet.start(brokerUrl);
let network: FaultNetwork | null = null;
let startedAt = 0;
let before = NOTHING;

const history = (): ReceivedStream => ({ ...(fleet.received.get('history') ?? NOTHING) });

async function begin(bitsPerSecond: number | null): Promise<FarEndAnswers['begin']> {
  before = history();
  fleet.forgetLive();
  startedAt = performance.now();
  if (bitsPerSecond === null) return { url: brokerUrl };
  network = await FaultNetwork.listen(brokerPort);
  network.limit(bitsPerSecond / 8);
  return { url: network.url };
}

function end(): SeenOfTrial {
  network?.close();
  network = null;
  const { messages, bytes } = history();
  return {
    history: { batches: messages - before.messages, bytes: bytes - before.bytes },
    firstLiveSeconds: fleet.liveAt === null ? null : (fleet.liveAt - startedAt) / 1_000,
  };
}

async function close(): Promise<FarEndAnswers['close']> {
  await fleet.close();
  return { received: fleet.received };
}

async function answer(request: FarEndRequest): Promise<FarEndAnswers[FarEndRequest['type']]> {
  switch (request.type) {
    case 'begin':
      return begin(request.bitsPerSecond);
    case 'end':
      return end();
    case 'close':
      return close();
  }
}

port.on('message', (request: FarEndRequest) => {
  void answer(request).then((own) => port.postMessage(own));
});
port.postMessage('ready');
