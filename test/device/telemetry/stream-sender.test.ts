import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { REPORTED_STREAMS, streamRow, type ReportedStream } from '../../../src/contract/telemetry/streams.ts';
import type { StreamMessage } from '../../../src/device/telemetry/protocol.ts';
import { FakeBroker, type Verdict } from './fake-broker.ts';

const message = (stream: ReportedStream, body: object = {}): StreamMessage => ({
  type: 'message',
  stream,
  body,
});
const lost = (stream: ReportedStream): StreamMessage => ({ type: 'lost', stream });

const ids = (broker: FakeBroker, stream: ReportedStream): number[] =>
  broker.of(stream).map(({ headerId }) => headerId);

describe('the sender of telemetry streams', () => {
  it('announces itself, numbers messages by topic, and keeps their order', async () => {
    const broker = new FakeBroker();
    await broker.send(message('metrics'), message('state'), message('metrics'));
    expect(broker.received).toEqual([]);
    broker.sender.start();
    await broker.settle();
    expect(broker.presence()).toEqual(['ONLINE']);
    expect(ids(broker, 'metrics')).toEqual([0, 1]);
    expect(broker.received.map(({ stream }) => stream)).toEqual([
      'connection',
      'state',
      'metrics',
      'metrics',
    ]);
    const will = payloadSchemaOf('connection').parse(JSON.parse(broker.identity.will.payload));
    expect(will).toMatchObject({ headerId: 0, connectionState: 'CONNECTION_BROKEN' });
    expect(will.bootId).toBe(broker.of('connection')[0]?.bootId);
    expect(broker.identity.will.topic).toBe('fleet/v1/yard/r1/detector/connection');
  });

  it('publishes each stream according to its row', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    await broker.send(...REPORTED_STREAMS.map((stream) => message(stream)));
    expect(new Set(broker.received.map(({ stream }) => stream))).toEqual(
      new Set(['connection', ...REPORTED_STREAMS]),
    );
    for (const { stream, options } of broker.received) {
      const { qos, retained } = streamRow(stream);
      expect(options).toEqual({ qos, retain: retained });
    }
  });

  it('declares losses of all streams once, in the next window that arrives', async () => {
    const broker = new FakeBroker();
    await broker.send(
      message('state'),
      message('state'),
      message('state'),
      lost('metrics'),
      message('metrics'),
    );
    broker.sender.start();
    await broker.send(message('metrics'));
    expect(ids(broker, 'state')).toEqual([2]);
    expect(ids(broker, 'metrics')).toEqual([1, 2]);
    expect(broker.of('metrics').map(({ gaps }) => gaps)).toEqual([{ state: 2, metrics: 1 }, {}]);
  });

  it('keeps a message that failed, with its number and its gaps, for the next connection', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    await broker.settle();
    broker.decide = () => 'lose';
    await broker.send(lost('metrics'), message('metrics', { n: 1 }));
    expect(broker.counts?.metrics).toEqual({ produced: 2, delivered: 0, dropped: 1, waiting: 1 });
    broker.decide = () => 'accept';
    broker.open();
    await broker.settle();
    expect(broker.of('metrics')).toMatchObject([{ headerId: 1, n: 1, gaps: { metrics: 1 } }]);
    expect(broker.presence()).toEqual(['ONLINE', 'ONLINE']);
  });

  it('reports that the broker refuses messages although the link is up, and that it accepts them again', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    await broker.settle();
    broker.decide = () => 'refuse';
    await broker.send(message('state'));
    const troubles = () =>
      broker.posted.flatMap((posted) => (posted.type === 'delivery' ? [posted.trouble] : []));
    expect(troubles().at(-1)).toMatchObject({
      code: 'GOSHAWK_BROKER_REFUSED',
      reason: expect.stringContaining('fleet/v1/yard/r1/detector/state') as string,
    });
    broker.decide = () => 'accept';
    await broker.send(message('metrics'));
    expect(troubles().at(-1)).toBeNull();
    expect(ids(broker, 'state')).toEqual([0]);
  });

  it('gives up on a message that is too large for the broker, declares it, and sends those behind it', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    await broker.settle();
    const verdicts: Verdict[] = ['too-large', 'accept'];
    broker.decide = () => verdicts.shift() ?? 'accept';
    await broker.send(lost('state'), message('metrics'), message('metrics'));
    expect(ids(broker, 'metrics')).toEqual([1]);
    expect(broker.of('metrics')[0]?.gaps).toEqual({ state: 1, metrics: 1 });
    expect(broker.counts?.metrics).toEqual({ produced: 2, delivered: 1, dropped: 1, waiting: 0 });
    const reasons = broker.posted.flatMap((posted) =>
      posted.type === 'delivery' && posted.trouble !== null ? [posted.trouble.reason] : [],
    );
    expect(reasons).toEqual([expect.stringMatching(/metrics: it has \d+ bytes, the broker accepts 10/)]);
  });
});

describe('the end of the sender', () => {
  it('delivers what waits and sends OFFLINE', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    broker.sender.receive(message('metrics'));
    await broker.sender.close();
    expect(ids(broker, 'metrics')).toEqual([0]);
    expect(broker.presence()).toEqual(['ONLINE', 'OFFLINE']);
    expect(broker.isDropped).toBe(true);
    expect(broker.clock.pendingTimers).toBe(0);
  });

  it('waits for a delivery under way, and delivers what arrived during it', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    await broker.settle();
    broker.sender.receive(message('state'));
    broker.sender.receive(message('metrics'));
    await broker.sender.close();
    expect(broker.received.slice(1).map(({ stream }) => stream)).toEqual(['state', 'metrics', 'connection']);
    expect(broker.presence()).toEqual(['ONLINE', 'OFFLINE']);
    expect(broker.counts?.metrics).toMatchObject({ delivered: 1, waiting: 0 });
  });

  it('is reached although the broker refuses OFFLINE', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    await broker.settle();
    broker.decide = () => 'refuse';
    await broker.sender.close();
    expect(broker.presence()).toEqual(['ONLINE']);
    expect(broker.isDropped).toBe(true);
  });

  it('is reached immediately while the broker is away; what waits is reported', async () => {
    const broker = new FakeBroker();
    await broker.send(message('metrics'), message('state'));
    await broker.sender.close();
    expect(broker.counts?.metrics.waiting).toBe(1);
    expect(broker.counts?.state.waiting).toBe(1);
  });

  it.each(['message', 'link'] as const)(
    'is reached within 3 s if the broker never answers the %s',
    async (what) => {
      const broker = new FakeBroker();
      broker.sender.start();
      await broker.settle();
      if (what === 'link') broker.hangsOnClose = true;
      else broker.decide = () => 'hang';
      let isClosed = false;
      const closed = broker.sender.close().then(() => (isClosed = true));
      await broker.settle();
      broker.clock.advance(2_999);
      await broker.settle();
      expect([isClosed, broker.isDropped]).toEqual([false, false]);
      broker.clock.advance(1);
      await closed;
      expect(broker.isDropped).toBe(true);
    },
  );

  it('happens once, however often it is requested', async () => {
    const broker = new FakeBroker();
    broker.sender.start();
    await broker.settle();
    await Promise.all([broker.sender.close(), broker.sender.close()]);
    expect(broker.presence()).toEqual(['ONLINE', 'OFFLINE']);
  });
});

type Step = 'connect' | 'disconnect' | 'settle' | Verdict | `${'put' | 'loss'}-${ReportedStream}`;

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom<Step[]>(...REPORTED_STREAMS.map((stream) => `put-${stream}` as const)),
    },
    fc.constantFrom<Step[]>(...REPORTED_STREAMS.map((stream) => `loss-${stream}` as const)),
    { weight: 3, arbitrary: fc.constantFrom<Step[]>('accept', 'refuse', 'lose', 'too-large') },
    { weight: 3, arbitrary: fc.constantFrom<Step[]>('connect', 'disconnect') },
    { weight: 2, arbitrary: fc.constant<Step>('settle') },
  ),
  { maxLength: 40 },
);

/** Messages of a stream that are accounted for by what arrived at the broker alone. */
function arrivals(broker: FakeBroker, stream: ReportedStream): { delivered: number; declared: number } {
  const declared = broker.of('metrics').reduce((sum, { gaps }) => sum + (gaps[stream] ?? 0), 0);
  return { delivered: new Set(ids(broker, stream)).size, declared };
}

/** Runs the steps. @returns the number of messages made, by stream */
async function play(broker: FakeBroker, sequence: readonly Step[]): Promise<Record<ReportedStream, number>> {
  const produced = Object.fromEntries(REPORTED_STREAMS.map((stream) => [stream, 0])) as Record<
    ReportedStream,
    number
  >;
  const put = (next: StreamMessage): void => {
    produced[next.stream] += 1;
    broker.sender.receive(next);
  };
  for (const step of sequence) {
    if (step === 'connect') {
      if (!broker.connected) broker.sender.start();
    } else if (step === 'disconnect') {
      if (broker.connected) broker.goDown();
    } else if (step.startsWith('put-')) put(message(step.slice(4) as ReportedStream));
    else if (step.startsWith('loss-')) put(lost(step.slice(5) as ReportedStream));
    else if (step === 'settle') await broker.settle();
    else broker.decide = () => step as Verdict;
  }
  return produced;
}

describe('the ledger of telemetry', () => {
  it('balances after any sequence and a close: produced = delivered + dropped + waiting', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const broker = new FakeBroker();
        const produced = await play(broker, sequence);
        await broker.sender.close();
        for (const stream of REPORTED_STREAMS) {
          const counts = broker.counts![stream];
          const arrived = arrivals(broker, stream);
          expect(counts.produced).toBe(produced[stream]);
          expect(counts.produced).toBe(counts.delivered + counts.dropped + counts.waiting);
          expect(arrived.delivered).toBe(counts.delivered);
          expect(arrived.declared).toBeLessThanOrEqual(counts.dropped);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is complete at the broker once a last window arrived: each message is there or declared', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const broker = new FakeBroker();
        const produced = await play(broker, sequence);
        await broker.settle();
        broker.decide = () => 'accept';
        if (!broker.connected) broker.sender.start();
        await broker.settle();
        await broker.send(message('metrics'));
        produced.metrics += 1;
        for (const stream of REPORTED_STREAMS) {
          const { delivered, declared } = arrivals(broker, stream);
          expect(broker.counts![stream].waiting).toBe(0);
          expect(delivered + declared).toBe(produced[stream]);
          const numbers = ids(broker, stream);
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        }
      }),
      { numRuns: 150 },
    );
  });
});
