import { expect, it } from 'vitest';
import { readIdentity } from '../../../src/fleet/check/message-identity.ts';
import type { Received } from '../../../src/fleet/check/received.ts';
import { BOOT, stateMessage } from '../ingest/messages.ts';

const of = (stream: string): Received => ({
  ...stateMessage(4, { firstHeaderId: 2 }),
  topic: `fleet/v1/yard/r1/detector/${stream}`,
});

it('tells whose message it is, of a stream that can be kept as it came', () => {
  const numbers = { bootId: BOOT, firstId: 2, lastId: 4 };
  const sender = { site: 'yard', robot: 'r1', node: 'detector' };
  for (const stream of ['state', 'of-a-newer-robot'])
    expect(readIdentity(of(stream), 'schema')).toMatchObject({ sender, stream, ...numbers });
});

it('leaves a gap to its robot, which else would forget what it declares', () => {
  for (const stream of ['gap', 'connection', 'ack', 'history'])
    expect(readIdentity(of(stream), 'schema'), stream).toBeNull();
});
