import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrameJob } from '../../../../src/device/pipeline/frame/frame-job.ts';
import { ReorderQueue } from '../../../../src/device/pipeline/scheduling/reorder-queue.ts';
import { lead, makeJob } from '../fake-jobs.ts';

function entered(queue: ReorderQueue, count: number): FrameJob[] {
  return Array.from({ length: count }, () => {
    const job = makeJob();
    queue.enter(job);
    return job;
  });
}

function drain(queue: ReorderQueue): FrameJob[] {
  const out: FrameJob[] = [];
  for (let job = queue.next(); job !== null; job = queue.next()) out.push(job);
  return out;
}

describe('ReorderQueue', () => {
  it('holds a result back until earlier ones have arrived', () => {
    const queue = new ReorderQueue(() => 3);
    const [a, b, c] = entered(queue, 3) as [FrameJob, FrameJob, FrameJob];
    lead(b, 'detected');
    lead(c, 'detected');
    expect(drain(queue)).toEqual([]);
    lead(a, 'detected');
    expect(drain(queue)).toEqual([a, b, c]);
    expect(queue.length).toBe(0);
  });

  it('is not blocked by a dropped frame', () => {
    const queue = new ReorderQueue(() => 3);
    const [a, b] = entered(queue, 2) as [FrameJob, FrameJob];
    lead(b, 'detected');
    a.drop();
    expect(drain(queue)).toEqual([b]);
  });

  it('overtakes a late frame once as many newer ones wait as the window is wide', () => {
    const queue = new ReorderQueue(() => 2);
    const [a, b, c] = entered(queue, 3) as [FrameJob, FrameJob, FrameJob];
    lead(b, 'detected');
    expect(drain(queue)).toEqual([]);
    lead(c, 'detected');
    expect(drain(queue)).toEqual([b, c]);
    expect(queue.includes(a)).toBe(false);
  });

  it('laws: in order, each once, no dropped ones, and never more held back than the window', () => {
    const plan = fc.record({
      count: fc.integer({ min: 1, max: 30 }),
      window: fc.integer({ min: 1, max: 5 }),
      events: fc.array(fc.record({ index: fc.nat(29), isDrop: fc.boolean() }), { maxLength: 60 }),
    });
    fc.assert(
      fc.property(plan, ({ count, window, events }) => {
        const queue = new ReorderQueue(() => window);
        const jobs = entered(queue, count);
        const out: number[] = [];
        const touched = new Set<FrameJob>();
        for (const { index, isDrop } of events) {
          const job = jobs[index % count]!;
          if (touched.has(job) || !queue.includes(job)) continue;
          touched.add(job);
          if (isDrop) job.drop();
          else lead(job, 'detected');
          for (const next of drain(queue)) {
            expect(next.isSettled).toBe(false);
            lead(next, 'published');
            out.push(jobs.indexOf(next));
          }
          const heldBack = jobs.filter((one) => queue.includes(one) && one.state === 'detected');
          expect(heldBack.length).toBeLessThan(window);
        }
        expect(out).toEqual([...new Set(out)].sort((a, b) => a - b));
      }),
    );
  });
});
