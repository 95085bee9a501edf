import { randomUUID } from 'node:crypto';
import { STORED_STREAMS } from '../../contract/telemetry/streams.ts';
import { topicFilter } from '../../contract/telemetry/topics.ts';
import { pause } from '../fleet/pause.ts';
import { LoadFleet, type LoadFleetOptions } from './load-fleet.ts';
import { numberOf } from './payloads.ts';
import { QuickClient } from './quick-client.ts';

const KEEP_ALIVE_SECONDS = 60;
const WARM_UP_MS = 1_000;
const GROUP = 'bare';
/** As an ingestor of the fleet. */
const RECEIVE_MAXIMUM = 1_000;

/** Messages per second through the same brokers to a client that only counts them. */
export async function measureBrokers(
  options: LoadFleetOptions,
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  const fleet = new LoadFleet(options);
  const counters = await Promise.all(
    options.urls.flatMap((url) => STORED_STREAMS.map((name) => count(url, name, fleet))),
  );
  try {
    await fleet.start();
    await pause(WARM_UP_MS, signal);
    const before = fleet.acknowledged;
    await pause(seconds * 1_000, signal);
    return (fleet.acknowledged - before) / seconds;
  } finally {
    fleet.close();
    for (const counter of counters) counter.close();
  }
}

/** A subscriber to one stream of all robots. */
function count(url: string, stream: (typeof STORED_STREAMS)[number], fleet: LoadFleet): Promise<QuickClient> {
  return new Promise((resolve) => {
    const client = new QuickClient(
      {
        port: Number(new URL(url).port),
        clientId: `bare:${randomUUID()}`,
        keepAliveSeconds: KEEP_ALIVE_SECONDS,
        receiveMaximum: RECEIVE_MAXIMUM,
        filter: `$share/${GROUP}/${topicFilter(stream)}`,
      },
      {
        onUp: () => resolve(client),
        onMessage: (payload, topic) => {
          const number = numberOf(payload);
          fleet.note(topic.split('/')[3] ?? '', stream, number, number);
        },
      },
    );
  });
}
