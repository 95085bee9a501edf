import { expect, it } from 'vitest';
import type { RefusedMessage } from '../../../src/fleet/check/refusal.ts';
import type { Received } from '../../../src/fleet/check/received.ts';
import { NumberSet } from '../../../src/core/ledger/number-set.ts';
import { AckSender } from '../../../src/fleet/ingest/acks.ts';
import { Committer, type CommitStore } from '../../../src/fleet/ingest/committer.ts';
import { Intake } from '../../../src/fleet/ingest/intake.ts';
import { Notices } from '../../../src/fleet/ingest/notices.ts';
import { SqlError } from '../../../src/fleet/store/database.ts';
import type { FleetMessage } from '../../../src/fleet/store/fleet-message.ts';
import { badMessages, BAD_REASONS, GOOD_ROBOT, type Outcome } from '../support/bad-messages.ts';
import { stateMessage } from './messages.ts';

const SEED = 7;
const BAD = 10_000;
const GOOD_EVERY = 10;

/** A database that refuses numbers beyond all bounds, and takes everything else. */
class FakeStore implements CommitStore {
  readonly stored: FleetMessage[] = [];
  quarantined = 0;

  store(messages: readonly FleetMessage[]) {
    if (messages.some(({ json }) => Buffer.from(json).includes('1e999999')))
      return Promise.reject(new SqlError('22003', 'value overflows numeric format', undefined));
    this.stored.push(...messages);
    return Promise.resolve({
      stored: new Map<string, number>(),
      duplicates: new Map<string, number>(),
      beyond: new Map<FleetMessage, 'boots'>(),
    });
  }

  quarantine(messages: readonly { readonly identity: unknown; readonly isToBeKept: boolean }[]) {
    const kept = messages.filter(({ isToBeKept }) => isToBeKept);
    this.quarantined += kept.length;
    return Promise.resolve(messages.map(({ identity, isToBeKept }) => isToBeKept && identity !== null));
  }

  makePartitions() {
    return Promise.resolve();
  }
}

it('refuses 10,000 bad messages by reason, stores all good ones among them, and logs a line for each', async () => {
  const store = new FakeStore();
  const lines: string[] = [];
  const refused = new Map<Received, RefusedMessage>();
  const acked = new NumberSet();
  const link = {
    canPublish: true,
    publish: (topic: string, payload: string) => {
      const { acks } = JSON.parse(payload) as { acks: { ranges: [number, number][] }[] };
      if (topic.includes(`/${GOOD_ROBOT}/`)) for (const { ranges } of acks) acked.addAll(ranges);
    },
  };
  const deferred = (robot: string): never => {
    throw new Error(`${robot} was deferred`);
  };
  const intake = new Intake({ messages: 10_000, bytes: 64 << 20 }, deferred);
  const events = {
    onStored: () => undefined,
    onRefused: (refusal: RefusedMessage) => refused.set(refusal.received, refusal),
    onRetry: () => {
      throw new Error('nothing has to be tried again');
    },
  };
  const acks = new AckSender(link, '0f8fad5b-d9cb-469f-a165-70867728950e');
  // the clock stands: what is said twice of a kind would be said for ever
  const notices = new Notices(
    (line) => lines.push(line),
    () => 0,
  );
  const committer = new Committer(intake, store, [acks], events, notices);
  const end = new AbortController();
  const work = committer.run(end.signal);

  const expected = new Map<Received, readonly Outcome[]>();
  let good = 0;
  for (const [at, { topic, payload, outcomes }] of badMessages(BAD, SEED).entries()) {
    const one: Received = { link: 0, topic, payload, receivedMs: 1_000 };
    if (outcomes !== null) expected.set(one, outcomes);
    const held = [intake.offer(one)];
    if (at % GOOD_EVERY === 0) held.push(intake.offer(stateMessage(good++, {}, GOOD_ROBOT)));
    for (const until of held) await until;
    // what a robot has waiting must not reach its share here
    while (intake.size > 1_000) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  while (intake.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  end.abort();
  await work;

  for (const [one, outcomes] of expected) {
    const outcome = refused.get(one)?.reason ?? 'stored';
    expect(outcomes, `${one.topic} ${Buffer.from(one.payload).toString('utf8').slice(0, 400)}`).toContain(
      outcome,
    );
  }
  const ofGood = store.stored.filter(({ sender }) => sender.robot === GOOD_ROBOT);
  expect(ofGood.map(({ lastId }) => lastId).sort((a, b) => a - b)).toEqual([...Array(good).keys()]);
  expect(acked.ranges()).toEqual([[0, good - 1]]);
  const reasons = new Set([...refused.values()].map(({ reason }) => reason));
  expect([...reasons].sort()).toEqual(BAD_REASONS);
  expect(lines).toHaveLength(reasons.size);
  for (const line of lines) expect(line).toMatch(/^[\x20-\x7e\xa0-\uffff]*$/);
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  // samples of each topic, and no more whole ones than an hour may have
  expect(store.quarantined).toBeLessThan(4_000);
});
