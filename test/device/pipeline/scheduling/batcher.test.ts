import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher } from '../../../../src/device/pipeline/scheduling/batcher.ts';
import type { ModelLane } from '../../../../src/device/pipeline/model-lane.ts';
import type { FrameJob } from '../../../../src/device/pipeline/frame/frame-job.ts';
import { makeJob, makeLane } from '../fake-jobs.ts';

const NOW = 10_000;

/** Lanes whose cameras have just sent a frame. */
function liveLanes(...priorities: number[]): ModelLane[] {
  return priorities.map((priority, index) => {
    const lane = makeLane(`camera${String(index)}`, priority);
    lane.camera.lastReceivedAt = NOW;
    return lane;
  });
}

/** A frame of this lane that became ready at `since`. */
function ready(batcher: Batcher, lane: ModelLane, since = NOW): FrameJob {
  const job = makeJob(lane.priority);
  job.since = since;
  lane.ahead = job;
  batcher.add(job);
  return job;
}

describe('Batcher', () => {
  it('has nothing to do while no frame is ready', () => {
    expect(new Batcher({ maxBatch: 2, maxWaitMs: 5 }).dueIn(NOW, liveLanes(1, 1))).toBe(Infinity);
  });

  it('sends the frame of a lone camera straight through', () => {
    const batcher = new Batcher({ maxBatch: 4, maxWaitMs: 5 });
    const lanes = liveLanes(1);
    ready(batcher, lanes[0]!);
    expect(batcher.dueIn(NOW, lanes)).toBe(0);
  });

  it('waits for frames of equal priority until the time limit', () => {
    const batcher = new Batcher({ maxBatch: 4, maxWaitMs: 5 });
    const lanes = liveLanes(1, 1);
    ready(batcher, lanes[0]!, NOW - 2);
    expect(batcher.dueIn(NOW, lanes)).toBe(3);
    expect(batcher.dueIn(NOW + 3, lanes)).toBe(0);
    ready(batcher, lanes[1]!);
    expect(batcher.dueIn(NOW, lanes)).toBe(0);
  });

  it('sends a frame of the highest priority straight through, and lower ones wait for it', () => {
    const lanes = liveLanes(10, 1, 1);
    const first = new Batcher({ maxBatch: 4, maxWaitMs: 5 });
    ready(first, lanes[0]!);
    expect(first.dueIn(NOW, lanes)).toBe(0);
    lanes[0]!.ahead = null;
    const second = new Batcher({ maxBatch: 4, maxWaitMs: 5 });
    ready(second, lanes[1]!);
    expect(second.dueIn(NOW, lanes)).toBe(5);
  });

  it('does not wait for a camera that went silent', () => {
    const batcher = new Batcher({ maxBatch: 4, maxWaitMs: 5 });
    const lanes = liveLanes(1, 1, 1);
    lanes[1]!.camera.lastReceivedAt = NOW - 500;
    lanes[2]!.camera.lastReceivedAt = Number.NaN;
    ready(batcher, lanes[0]!);
    expect(batcher.dueIn(NOW, lanes)).toBe(0);
  });

  it('sends a batch immediately when it is full', () => {
    const batcher = new Batcher({ maxBatch: 2, maxWaitMs: 5 });
    const lanes = liveLanes(1, 1, 1);
    ready(batcher, lanes[0]!);
    expect(batcher.dueIn(NOW, lanes)).toBe(5);
    ready(batcher, lanes[1]!);
    expect(batcher.dueIn(NOW, lanes)).toBe(0);
  });

  it('never waits if waiting is off', () => {
    const batcher = new Batcher({ maxBatch: 4, maxWaitMs: 0 });
    const lanes = liveLanes(1, 1);
    ready(batcher, lanes[0]!);
    expect(batcher.dueIn(NOW, lanes)).toBe(0);
  });

  it('forgets a frame that was dropped', () => {
    const batcher = new Batcher({ maxBatch: 4, maxWaitMs: 5 });
    const lanes = liveLanes(1, 1);
    const job = ready(batcher, lanes[0]!);
    const other = ready(batcher, lanes[1]!);
    batcher.remove(job);
    batcher.remove(job);
    expect(batcher.take()).toEqual([other]);
    expect(batcher.length).toBe(0);
  });

  it('law: batches keep to the limit and to one kind, the oldest goes first, and each frame goes once', () => {
    const modes = fc.array(fc.constantFrom('sharp' as const, 'graph' as const), { maxLength: 40 });
    fc.assert(
      fc.property(modes, fc.integer({ min: 1, max: 8 }), (kinds, maxBatch) => {
        const batcher = new Batcher({ maxBatch, maxWaitMs: 0 });
        const jobs = kinds.map((mode) => {
          const job = makeJob();
          job.prepare(mode, false);
          batcher.add(job);
          return job;
        });
        const left = [...jobs];
        while (batcher.length > 0) {
          const batch = batcher.take();
          expect(batch[0]).toBe(left[0]);
          expect(batch.length).toBeLessThanOrEqual(maxBatch);
          expect(new Set(batch.map(({ mode }) => mode)).size).toBe(1);
          for (const job of batch) left.splice(left.indexOf(job), 1);
        }
        expect(left).toEqual([]);
      }),
    );
  });
});
