import { expect, it } from 'vitest';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import type { FrameResult, ResultSink } from '../../../src/device/pipeline/frame/frame-result.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, settle } from './fakes.ts';

/** One stationary object with a given score, among `others` that score too low for anything. */
function seen(score: number, from: number, others = 0): Detections {
  const detections = createDetections(1 + others);
  for (const value of [score, ...new Array<number>(others).fill(0.05)]) {
    if (value <= from) continue;
    const i = detections.count++;
    detections.boxes.set([10, 10, 30, 40], 4 * i);
    detections.scores[i] = value;
  }
  return detections;
}

class Published implements ResultSink {
  readonly name = 'publisher';
  readonly counts: number[] = [];
  readonly tracks: number[] = [];

  deliver({ detections }: FrameResult): void {
    this.counts.push(detections.count);
    if (detections.count > 0) this.tracks.push(detections.tracks[0]!);
  }
}

it('an object keeps its id while its score is too low to publish, however long that lasts', async () => {
  const clock = new FakeClock();
  const engine = new FakeEngine();
  const sink = new Published();
  const pipeline = new FramePipeline({
    engine,
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
    clock,
    tracking: true,
    limits: { score_threshold: 0.5 },
    sinks: [sink],
  });
  await pipeline.start();
  pipeline.activate();
  const maker = new FrameMaker('front', clock);
  const show = async (score: number, frames: number): Promise<void> => {
    engine.detect = ({ scoreThreshold }) => seen(score, scoreThreshold, 3);
    for (let i = 0; i < frames; i++) {
      pipeline.offer(maker.next());
      await settle(() => pipeline.framesInFlight === 0);
    }
  };
  // frames are 33 ms apart, and a lost track is dropped after a second
  await show(0.9, 5);
  await show(0.2, 60);
  await show(0.9, 5);
  await pipeline.close();

  const ones = new Array<number>(5).fill(1);
  const zeros = new Array<number>(60).fill(0);
  expect(sink.counts).toEqual([ones, zeros, ones].flat());
  expect(sink.tracks.at(-1)).toBe(1);
  expect(new Set(sink.tracks.slice(1))).toEqual(new Set([1]));
});
