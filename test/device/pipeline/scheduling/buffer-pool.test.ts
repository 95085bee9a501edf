import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../../src/device/pipeline/scheduling/buffer-pool.ts';

describe('BufferPool', () => {
  it('reuses a returned buffer', () => {
    const pool = new BufferPool(16, 2);
    const first = pool.acquire()!;
    pool.release(first);
    expect(pool.acquire()).toBe(first);
    expect(pool.made).toBe(1);
  });

  it('replaces buffers that were lost, detached or changed on the way', () => {
    const pool = new BufferPool(16, 1);
    pool.acquire();
    pool.release(undefined);
    const second = pool.acquire()!;
    structuredClone(second, { transfer: [second.buffer] });
    pool.release(second);
    const third = pool.acquire()!;
    expect(third.byteLength).toBe(16);
    pool.release(new Uint8Array(17));
    expect(pool.acquire()?.byteLength).toBe(16);
    expect(pool.made).toBe(4);
    expect(pool.acquire()).toBeNull();
  });

  it('law: never hands a buffer out twice, stays within its capacity, and never starves if some are returned', () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant({ do: 'acquire' as const, index: 0 }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), index: fc.nat(10) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), index: fc.nat(10) }) },
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 6 }), (sequence, capacity) => {
        const pool = new BufferPool(8, capacity);
        const out: Uint8Array<ArrayBuffer>[] = [];
        let losses = 0;
        for (const step of sequence) {
          if (step.do === 'acquire') {
            const buffer = pool.acquire();
            expect(buffer === null).toBe(out.length === capacity);
            if (buffer === null) continue;
            expect(out).not.toContain(buffer);
            out.push(buffer);
          } else if (out.length > 0) {
            const [buffer] = out.splice(step.index % out.length, 1);
            pool.release(step.do === 'lose' ? undefined : buffer);
            if (step.do === 'lose') losses += 1;
          }
          expect(pool.out).toBe(out.length);
          expect(pool.made).toBeLessThanOrEqual(capacity + losses);
        }
      }),
    );
  });
});
