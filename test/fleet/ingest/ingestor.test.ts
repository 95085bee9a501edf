import { expect, it, onTestFinished } from 'vitest';
import { ClipFetcher } from '../../../src/fleet/clips/clip-fetcher.ts';
import { Ingestor } from '../../../src/fleet/ingest/ingestor.ts';
import { CLIP } from '../clips/offered-clip.ts';
import { publishingBroker } from '../../support/publishing-broker.ts';

it('a chunk of a clip that is none is refused by reason, and the messages after it are read', async () => {
  // a level that may be a client's, but no name: a broker without access rules lets it through
  const topics = ['fleet/v1/yard/r7/ x/clip-chunk', 'fleet/v1/yard/r7/run/clip-chunk'];
  const { url, acked } = await publishingBroker([...topics, 'fleet/v1/yard/r7/run/clip-chunk']);
  const fetcher = new ClipFetcher({ folder: null, budgetBytes: 0, nowMs: () => 0, say: () => undefined });
  await fetcher.fetch({ site: 'yard', robot: 'r7', node: 'run' }, CLIP, 'https://storage.example/x');
  const refused: string[] = [];
  const lines: string[] = [];
  const never = (): never => {
    throw new Error('nothing of a clip is stored');
  };
  const store = { store: never, quarantine: never, makePartitions: never };
  const ingestor = new Ingestor({ urls: [url], say: (line) => lines.push(line) }, store, {
    onStored: () => undefined,
    onRetry: () => undefined,
    onDeferred: () => undefined,
    onRefused: ({ reason }) => refused.push(reason),
    onChunk: (topic, payload) => void fetcher.take(topic, payload),
  });
  ingestor.start();
  onTestFinished(() => ingestor.stop());
  await expect.poll(() => acked, { timeout: 25_000 }).toEqual([1, 2, 3]);
  expect(refused).toEqual(['topic', 'schema', 'schema']);
  expect(lines.filter((line) => line.startsWith('refused ('))).toHaveLength(2);
});
