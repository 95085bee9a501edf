import { describe, expect, it } from 'vitest';
import { AckSender } from '../../../src/fleet/ingest/acks.ts';
import { Committer, type CommitStore } from '../../../src/fleet/ingest/committer.ts';
import { Intake } from '../../../src/fleet/ingest/intake.ts';
import type { RefusedMessage } from '../../../src/fleet/check/refusal.ts';
import { Notices } from '../../../src/fleet/ingest/notices.ts';
import type { Received } from '../../../src/fleet/check/received.ts';
import { SqlError } from '../../../src/fleet/store/database.ts';
import type { FleetMessage } from '../../../src/fleet/store/fleet-message.ts';
import type { Quarantined } from '../../../src/fleet/store/quarantine.ts';
import { received, stateMessage } from './messages.ts';

/** A store that keeps numbers, and fails as a test wants. */
class FakeStore implements CommitStore {
  readonly batches: number[][] = [];
  readonly quarantined: string[] = [];
  hasRoom = true;
  /** how often quarantine fails yet */
  outages = 0;
  partitions = 0;
  fail: (messages: readonly FleetMessage[]) => Error | null = () => null;
  /** numbers that are beyond a bound of the ledger */
  beyond: readonly number[] = [];

  store(messages: readonly FleetMessage[]) {
    const error = this.fail(messages);
    if (error !== null) return Promise.reject(error);
    this.batches.push(messages.map(({ lastId }) => lastId));
    const beyond = messages.filter(({ lastId }) => this.beyond.includes(lastId));
    return Promise.resolve({
      stored: new Map<string, number>(),
      duplicates: new Map<string, number>(),
      beyond: new Map(beyond.map((message) => [message, 'boots' as const])),
    });
  }

  quarantine(messages: readonly Quarantined[]) {
    if (this.outages-- > 0) return Promise.reject(new Error('away'));
    const kept = messages.filter(({ isToBeKept }) => isToBeKept && this.hasRoom);
    this.quarantined.push(...kept.map(({ reason }) => reason));
    return Promise.resolve(messages.map((one) => kept.includes(one) && one.identity !== null));
  }

  makePartitions() {
    this.partitions += 1;
    return Promise.resolve();
  }
}

interface Outcome {
  readonly store: FakeStore;
  readonly acked: [number, number][];
  readonly refused: RefusedMessage[];
  readonly retries: number;
  readonly left: number;
}

/** Lets a committer work on messages to their end. */
async function commit(messages: readonly Received[], store = new FakeStore()): Promise<Outcome> {
  const intake = new Intake({ messages: 1_000, bytes: 1_000_000 }, () => undefined);
  const acked: [number, number][] = [];
  const acks = new AckSender(
    {
      canPublish: true,
      publish: (_topic, payload) => {
        const { acks: rows } = JSON.parse(payload) as { acks: { ranges: [number, number][] }[] };
        acked.push(...rows.flatMap(({ ranges }) => ranges));
      },
    },
    '0f8fad5b-d9cb-469f-a165-70867728950e',
  );
  const refused: RefusedMessage[] = [];
  let retries = 0;
  const committer = new Committer(
    intake,
    store,
    [acks],
    {
      onStored: () => undefined,
      onRefused: (refusal) => refused.push(refusal),
      onRetry: () => (retries += 1),
    },
    new Notices(() => undefined),
  );
  for (const message of messages) void intake.offer(message);
  const end = new AbortController();
  const work = committer.run(end.signal);
  while (intake.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  end.abort();
  await work;
  return { store, acked, refused, retries, left: intake.size };
}

const refusedValue = new SqlError('22P05', 'unsupported Unicode escape sequence', undefined);

describe('Committer', () => {
  it('acknowledges what is stored, in as few ranges as possible', async () => {
    const { store, acked } = await commit([0, 1, 2, 5].map((id) => stateMessage(id)));
    expect(store.batches).toEqual([[0, 1, 2, 5]]);
    expect(acked).toEqual([
      [0, 2],
      [5, 5],
    ]);
  });

  it('stores and acknowledges once what comes twice in a batch', async () => {
    const { store, acked } = await commit([stateMessage(0), stateMessage(0), stateMessage(1)]);
    expect(store.batches).toEqual([[0, 1]]);
    expect(acked).toEqual([[0, 1]]);
  });

  it('leaves a merged message that overlaps with others to the next batch', async () => {
    const { store } = await commit([stateMessage(1), stateMessage(2, { firstHeaderId: 1 })]);
    expect(store.batches).toEqual([[1], [2]]);
  });

  it.each([
    ['acknowledged, since it is in quarantine', true, [[0, 6]]],
    [
      'not acknowledged if quarantine has no room',
      false,
      [
        [0, 2],
        [4, 6],
      ],
    ],
  ])('stores all but the one that the database refuses, which is %s', async (_what, hasRoom, expected) => {
    const store = new FakeStore();
    store.hasRoom = hasRoom;
    store.fail = (messages) => (messages.some(({ lastId }) => lastId === 3) ? refusedValue : null);
    const messages = [0, 1, 2, 3, 4, 5, 6].map((id) => stateMessage(id));
    const { acked, refused, left } = await commit(messages, store);
    expect(store.batches.flat().sort()).toEqual([0, 1, 2, 4, 5, 6]);
    expect(acked).toEqual(expected);
    expect(refused.map(({ reason }) => reason)).toEqual(['database']);
    expect(left).toBe(0);
  });

  it('does not acknowledge the copy of a message that the database refuses', async () => {
    const store = new FakeStore();
    store.hasRoom = false;
    store.fail = (messages) => (messages.some(({ lastId }) => lastId === 3) ? refusedValue : null);
    const { acked, refused } = await commit([stateMessage(3), stateMessage(3)], store);
    expect(acked).toEqual([]);
    expect(refused).toHaveLength(2);
  });

  it('refuses what is beyond a bound of the ledger, keeps a sample and leaves it with its robot', async () => {
    const store = new FakeStore();
    store.beyond = [3];
    const { acked, refused, left } = await commit(
      [0, 3, 3, 1].map((id) => stateMessage(id)),
      store,
    );
    expect(acked).toEqual([[0, 1]]);
    expect(refused.map(({ reason, identity }) => [reason, identity])).toEqual(Array(2).fill(['boots', null]));
    expect(store.quarantined).toEqual(['boots', 'boots']);
    expect(left).toBe(0);
  });

  it('tries again until the database is back, and acknowledges then', async () => {
    const store = new FakeStore();
    let failures = 2;
    store.fail = () => (failures-- > 0 ? new Error('away') : null);
    const { acked, retries } = await commit([stateMessage(0)], store);
    expect(retries).toBe(2);
    expect(acked).toEqual([[0, 0]]);
  });

  it('makes the partition of a day for which there is none', async () => {
    const store = new FakeStore();
    store.fail = () => (store.partitions === 0 ? new SqlError('23514', 'no partition', undefined) : null);
    const { acked } = await commit([stateMessage(0)], store);
    expect(store.partitions).toBeGreaterThan(0);
    expect(acked).toEqual([[0, 0]]);
  });

  it('acknowledges a refused message that is whole in quarantine, and none whose sender is not clear', async () => {
    const messages = [
      stateMessage(0, { uptimeSeconds: -1 }),
      stateMessage(1, { version: '2.0.0' }),
      stateMessage(2, { node: 'other' }),
      stateMessage(3, { uptimeSeconds: -1, firstHeaderId: 4 }),
      stateMessage(4),
    ];
    const { acked, refused, store } = await commit(messages);
    expect(refused.map(({ reason }) => reason)).toEqual(['schema', 'version', 'identity', 'schema']);
    expect(store.batches).toEqual([[4]]);
    expect(acked).toEqual([
      [0, 1],
      [4, 4],
    ]);
  });

  it('keeps a bounded number of wrong messages, and counts them all', async () => {
    const wrong = Array.from({ length: 90 }, () => received('fleet/v1/yard/r1/detector/state', '{'));
    const { store, refused, left } = await commit([...wrong, stateMessage(0)]);
    expect(refused).toHaveLength(90);
    expect(store.quarantined).toHaveLength(20);
    expect(left).toBe(0);
  });

  it('spends nothing of what it may keep on tries while the database is away', async () => {
    const store = new FakeStore();
    store.outages = 2;
    const wrong = Array.from({ length: 20 }, () => received('fleet/v1/yard/r1/detector/state', '{'));
    const { refused, retries } = await commit(wrong, store);
    expect(retries).toBe(2);
    expect(refused).toHaveLength(20);
    expect(store.quarantined).toHaveLength(20);
  });
});
