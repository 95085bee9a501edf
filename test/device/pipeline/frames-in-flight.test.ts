import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DROP_REASONS } from '../../../src/contract/drops.ts';
import { FRAME_MOVES, type FrameState } from '../../../src/device/pipeline/frame/frame-state.ts';
import type { FrameJob } from '../../../src/device/pipeline/frame/frame-job.ts';
import { FramesInFlight } from '../../../src/device/pipeline/frames-in-flight.ts';
import { CameraLedger } from '../../../src/device/pipeline/statistics/ledger.ts';
import { lead, makeJob } from './fake-jobs.ts';

const step = fc.record({
  what: fc.constantFrom('receive', 'move', 'move', 'drop', 'drop again'),
  which: fc.nat(50),
  reason: fc.constantFrom(...DROP_REASONS),
});

/** Moves a frame forward by the legal move that is not a drop. */
function moveOn(frames: FramesInFlight, ledger: CameraLedger, job: FrameJob): void {
  const next: FrameState | undefined = FRAME_MOVES[job.state][0];
  if (next === undefined || next === 'dropped') return;
  if (next === 'published') frames.publish(ledger, job);
  else job.moveTo(next);
}

describe('FramesInFlight', () => {
  it('law: received = published + drops + in flight after every step, however moves and drops interleave', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const frames = new FramesInFlight();
        const ledger = new CameraLedger();
        const jobs: FrameJob[] = [];
        for (const { what, which, reason } of steps) {
          const job = jobs[which % Math.max(1, jobs.length)];
          if (what === 'receive' || job === undefined) {
            ledger.receive();
            jobs.push(makeJob());
            frames.enter(jobs.at(-1)!);
          } else if (what === 'move') moveOn(frames, ledger, job);
          else {
            frames.drop(ledger, job, reason);
            if (what === 'drop again') frames.drop(ledger, job, 'shutdown');
          }
          const { received, published, inFlight, drops } = ledger.read();
          const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
          expect(received).toBe(jobs.length);
          expect(published).toBe(jobs.filter(({ state }) => state === 'published').length);
          expect(dropped).toBe(jobs.filter(({ state }) => state === 'dropped').length);
          expect(inFlight).toBe(frames.size);
          expect(received).toBe(published + dropped + frames.size);
        }
      }),
    );
  });

  it('publishes only a frame that is with the publisher, and only once', () => {
    const frames = new FramesInFlight();
    const ledger = new CameraLedger();
    const job = makeJob();
    ledger.receive();
    frames.enter(job);
    expect(() => {
      frames.publish(ledger, job);
    }).toThrow(expect.objectContaining({ code: 'GOSHAWK_INTERNAL' }));
    frames.publish(ledger, lead(job, 'publishing'));
    expect(() => {
      frames.publish(ledger, job);
    }).toThrow(expect.objectContaining({ code: 'GOSHAWK_INTERNAL' }));
    expect(ledger.read()).toEqual({ received: 1, published: 1, inFlight: 0, drops: {} });
  });

  it('resolves waiters once the last frame has left', async () => {
    const frames = new FramesInFlight();
    const ledger = new CameraLedger();
    const jobs = [makeJob(), makeJob()];
    for (const job of jobs) frames.enter(job);
    let isEmpty = false;
    const emptied = frames.whenEmptied().then(() => {
      isEmpty = true;
    });
    frames.drop(ledger, jobs[0]!, 'shutdown');
    await Promise.resolve();
    expect(isEmpty).toBe(false);
    frames.drop(ledger, jobs[1]!, 'shutdown');
    await emptied;
    expect(isEmpty).toBe(true);
  });
});
