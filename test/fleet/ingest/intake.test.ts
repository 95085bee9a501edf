import { describe, expect, it } from 'vitest';
import { Intake } from '../../../src/fleet/ingest/intake.ts';
import { packHistory } from '../../../src/platform/history-batch.ts';
import { received, stateMessage } from './messages.ts';

const message = (bytes = 1) => received('t', 'x'.repeat(bytes));

describe('Intake', () => {
  it('holds whoever brings more than it has room for, until that is stored', async () => {
    const intake = new Intake({ messages: 2, bytes: 100 });
    expect(intake.offer(message())).toBeUndefined();
    let isHeld = true;
    const held = intake.offer(message())!.then(() => (isHeld = false));
    const batch = intake.take(10, 100);
    await Promise.resolve();
    expect(isHeld).toBe(true);
    intake.release(batch.map(({ received: each }) => each));
    await held;
    expect(intake.size).toBe(0);
  });

  it('counts bytes as well', () => {
    const intake = new Intake({ messages: 100, bytes: 10 });
    expect(intake.offer(message(9))).toBeUndefined();
    expect(intake.offer(message(1))).toBeInstanceOf(Promise);
  });

  it('gives out batches bounded in number and bytes, and never none while there is one', () => {
    const intake = new Intake({ messages: 100, bytes: 1_000 });
    for (const bytes of [50, 5, 5, 5]) void intake.offer(message(bytes));
    expect(intake.take(10, 10)).toHaveLength(1);
    expect(intake.take(10, 10)).toHaveLength(2);
    expect(intake.take(10, 10)).toHaveLength(1);
    expect(intake.take(10, 10)).toHaveLength(0);
  });

  it('unpacks a batch into messages of their own streams, and refuses what is none', () => {
    const intake = new Intake({ messages: 100, bytes: 100_000 });
    const payload = new TextDecoder().decode(stateMessage(3).payload);
    const batch = packHistory([
      { stream: 'state', payload },
      { stream: 'state', payload: payload.replace('r1', 'r2') },
      { stream: 'unheard-of', payload },
      { stream: 'history', payload },
    ]);
    void intake.offer(received('fleet/v1/yard/r1/detector/history', batch));
    void intake.offer(received('fleet/v1/yard/r1/detector/history', 'not Zstandard'));
    const checked = intake.take(10, 100_000).map((one) => one.checked);
    expect(checked[0]?.message).toMatchObject({ stream: 'state', lastId: 3, historical: true });
    const reasons = checked.slice(1).map(({ refusal }) => refusal?.reason);
    expect(reasons).toEqual(['identity', 'topic', 'topic', 'history']);
  });

  it('takes nothing after it was closed, and holds nobody', () => {
    const intake = new Intake({ messages: 1, bytes: 1 });
    intake.close();
    expect(intake.offer(message())).toBeUndefined();
    expect(intake.size).toBe(0);
  });
});
