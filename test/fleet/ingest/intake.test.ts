import { describe, expect, it } from 'vitest';
import { Intake } from '../../../src/fleet/ingest/intake.ts';
import { received } from './messages.ts';

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

  it('takes nothing after it was closed, and holds nobody', () => {
    const intake = new Intake({ messages: 1, bytes: 1 });
    intake.close();
    expect(intake.offer(message())).toBeUndefined();
    expect(intake.size).toBe(0);
  });
});
