import { expect, it } from 'vitest';
import { Account } from '../../../../src/device/telemetry/outbox/account.ts';
import { newEntry } from '../../../../src/device/telemetry/outbox/entry.ts';
import { StreamQueue } from '../../../../src/device/telemetry/outbox/stream-queue.ts';

it('old messages that the fleet never acknowledges do not hold up the others', () => {
  const queue = new StreamQueue();
  const account = new Account({ bootId: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff', bootCount: 0 }, 'metrics');
  const entries = Array.from({ length: 5 }, (_, number) => newEntry(account, number, 0, '{}'));
  for (const entry of entries) queue.put(entry, false);
  const send = (at: number): void =>
    void Object.assign(entries[at]!, { state: 'sent', attempts: entries[at]!.attempts + 1 });
  for (const at of [0, 1, 2]) send(at);
  expect(queue.unacknowledgedHistory()).toBe(3);
  queue.retryOverdue(1, -Infinity);
  expect(queue.nextWaiting('history')).toBe(entries[0]);
  for (const at of [0, 1]) send(at);
  expect(queue.unacknowledgedHistory()).toBe(0);
  for (const at of [2, 3]) send(at);
  expect(queue.unacknowledgedHistory()).toBe(1);
  expect(queue.nextWaiting('history')).toBe(entries[4]);
});
