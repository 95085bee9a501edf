import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePipeline } from '../../../../src/device/pipeline/pipeline.ts';
import type { ResultSink } from '../../../../src/device/pipeline/frame/frame-result.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, rawImage, turns, type JobFate } from '../fakes.ts';

const CAMERAS = ['front', 'rear', 'top'] as const;
const FATES: readonly JobFate[] = ['ok', 'failed', 'nan', 'lost', 'short', 'reject'];

type Step =
  | { readonly do: 'offer'; readonly camera: number; readonly tick: number | null; readonly isBad: boolean }
  | { readonly do: 'refuse'; readonly camera: number }
  | { readonly do: 'finish'; readonly index: number; readonly fate: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'turn' }
  | { readonly do: 'deactivate' }
  | { readonly do: 'activate' }
  | { readonly do: 'close' };

const camera = fc.nat(CAMERAS.length - 1);

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 400,
    arbitrary: fc.record({
      do: fc.constant('offer' as const),
      camera,
      // mostly the next tick of the camera's clock, sometimes one out of order
      tick: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(400) }),
      isBad: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
  },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('refuse' as const), camera }) },
  {
    weight: 200,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      index: fc.nat(3),
      fate: fc.nat(FATES.length - 1),
    }),
  },
  {
    weight: 60,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 700 }) }),
  },
  { weight: 250, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deactivate' as const) }) },
  { weight: 40, arbitrary: fc.record({ do: fc.constant('activate' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
);

/** A sink that does, frame by frame, everything that a sink can do wrong. */
function moodySink(name: string, moods: readonly number[], clock: FakeClock): ResultSink {
  let calls = 0;
  return {
    name,
    wantsPixels: () => calls % 2 === 0,
    deliver: () => {
      const mood = moods[calls++ % moods.length];
      if (mood === 1) throw new Error('thrown');
      if (mood === 2) return Promise.reject(new Error('rejected'));
      if (mood === 3) return new Promise<void>(() => undefined);
      // succeeds after the pipeline has given up on the frame
      if (mood === 5) return new Promise<void>((resolve) => clock.startTimer(resolve, 350));
      return mood === 4 ? Promise.resolve() : undefined;
    },
  };
}

/** Gives sharp's threads time to finish. */
function nextMillisecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Maximum unsettled deliveries of the publisher; further ones are refused. */
const PUBLISHING = 4;

/**
 * Checks the invariant for each camera and in total. The ledger changes two counts at a time, so its sum alone proves
 * little: what was offered and what is in flight is counted from the frames themselves.
 */
function expectLaw(pipeline: FramePipeline, maxInFlight: number, offered: number): void {
  const { frames, cameras } = pipeline.snapshot();
  expect(frames.received, 'frames that were offered').toBe(offered);
  for (const counts of [frames, ...Object.values(cameras).map((one) => one.frames)]) {
    const dropped = Object.values(counts.drops).reduce((sum, count) => sum + count, 0);
    expect(counts.received).toBe(counts.published + dropped + counts.inFlight);
    expect(counts.inFlight).toBeGreaterThanOrEqual(0);
  }
  expect(frames.inFlight).toBeLessThanOrEqual(maxInFlight);
  expect(frames.inFlight, 'the ledger and the frames themselves').toBe(pipeline.framesInFlight);
}

describe('the ledger', () => {
  it(
    'balances after every step, whatever happens, and has nothing in flight after close',
    { timeout: 120_000 },
    async () => {
      const world = fc.record({
        parallel: fc.integer({ min: 1, max: 3 }),
        maxBatch: fc.integer({ min: 1, max: 3 }),
        acceptsRaw: fc.boolean(),
        preprocess: fc.constantFrom('auto' as const, 'sharp' as const, 'graph' as const),
        tracking: fc.boolean(),
        deadlineMs: fc.constantFrom(0, 300),
        moods: fc.array(fc.nat(5), { minLength: 1, maxLength: 5 }),
        steps: fc.array(stepArbitrary, { minLength: 20, maxLength: 120, size: 'max' }),
      });
      await fc.assert(
        fc.asyncProperty(
          world,
          async ({ steps, moods, parallel, maxBatch, acceptsRaw, deadlineMs, ...options }) => {
            const clock = new FakeClock();
            const engine = new FakeEngine(parallel);
            engine.isManual = true;
            engine.acceptsRaw = acceptsRaw;
            const pipeline = new FramePipeline({
              engine,
              manifest: MANIFEST,
              cameras: CAMERAS.map((name, index) => ({ name, priority: index + 1 })),
              clock,
              sinks: [moodySink('publisher', moods, clock), moodySink('other', moods.toReversed(), clock)],
              maxBatch,
              engineTimeoutMs: 500,
              sinkTimeoutMs: 400,
              drainMs: 300,
              ...options,
            });
            // per camera: one in the gate, one ahead of the engine, and results waiting for their turn
            const perCamera = 2 + Math.max(2, parallel);
            const maxInFlight = CAMERAS.length * perCamera + parallel * maxBatch + PUBLISHING;
            const makers = CAMERAS.map((name) => new FrameMaker(name, clock, deadlineMs));
            const ends: Promise<void>[] = [];
            let offered = 0;
            await pipeline.start();
            pipeline.activate();
            for (const step of steps) {
              switch (step.do) {
                case 'offer': {
                  const image = rawImage('rgb8', 32, 24);
                  const frame = makers[step.camera]!.next(
                    step.isBad ? { ...image, step: 1 } : image,
                    step.tick ?? undefined,
                  );
                  pipeline.offer(frame);
                  offered += 1;
                  break;
                }
                case 'refuse':
                  pipeline.refuse(CAMERAS[step.camera]!, 'malformed');
                  offered += 1;
                  break;
                case 'finish':
                  engine.finish(step.index, FATES[step.fate]!);
                  break;
                case 'pass':
                  clock.advance(step.ms);
                  break;
                case 'turn':
                  await nextMillisecond();
                  break;
                case 'deactivate':
                  ends.push(pipeline.deactivate());
                  break;
                case 'activate':
                  if (pipeline.state === 'inactive') pipeline.activate();
                  break;
                case 'close':
                  ends.push(pipeline.close());
              }
              expectLaw(pipeline, maxInFlight, offered);
            }
            let isClosed = false;
            ends.push(pipeline.close().then(() => void (isClosed = true)));
            for (let i = 0; i < 200 && !isClosed; i++) {
              await turns(2);
              clock.advance(100);
              expectLaw(pipeline, maxInFlight, offered);
            }
            await Promise.all(ends);
            expectLaw(pipeline, maxInFlight, offered);
            expect(pipeline.counts()).toMatchObject({ received: offered, inFlight: 0 });
          },
        ),
        { numRuns: 120 },
      );
    },
  );
});
