import { onTestFinished } from 'vitest';
import { createDetections, type Detections } from '../../../src/core/detections.ts';
import { BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import type { CompressedView, ImageView } from '../../../src/core/image/image-view.ts';
import { Capture } from '../../../src/device/capture/capture.ts';
import type { CaptureOptions } from '../../../src/device/capture/capture-options.ts';
import { encodeJpeg } from '../../../src/device/imaging/encode-image.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import type { DeviceView } from '../../../src/device/runtime/part.ts';
import { FakeClock } from '../pipeline/fakes.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sessionOf } from '../runtime/fake-session.ts';

export const WIDTH = 96;
export const HEIGHT = 64;
export const BUNDLE = { name: 'street', version: '1.0.0', digest: 'f'.repeat(64) };

/** A noisy raw image, so that its JPEG has some size and every pixel differs from its neighbors. */
export function noise(seed: number): ImageView {
  let state = seed * 2654435761 + 1;
  const data = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) & 255;
  });
  return { width: WIDTH, height: HEIGHT, encoding: 'rgb8', step: WIDTH * 3, data };
}

export async function jpegOf(seed: number): Promise<CompressedView> {
  return { format: 'jpeg', data: await encodeJpeg(noise(seed).data, WIDTH, HEIGHT, 90) };
}

/** One box of 20x10 from (30, 20) on, of the first class. */
export function oneBox(score = 0.9, label = 0): Detections {
  const detections = createDetections(1);
  detections.count = 1;
  detections.boxes.set([30, 20, 50, 30]);
  detections.scores[0] = score;
  detections.classes[0] = label;
  return detections;
}

/** A part whose frames are of one camera, `front`, with everything that it logged and offered. */
export async function capturing(more: Partial<CaptureOptions> = {}, cameras: readonly string[] = ['front']) {
  const folder = more.folder ?? (await temporaryFolder('capture'));
  const clock = new FakeClock();
  const lines: string[] = [];
  const offered: object[] = [];
  const device = {
    drift: () => null,
    send: (_stream, make) => void offered.push(make()),
    transfer: () => Promise.resolve(false),
  } as Partial<DeviceView> as DeviceView;
  const options: CaptureOptions = {
    folder,
    budgetBytes: 1 << 30,
    ringBytes: 1 << 26,
    beforeMs: 2000,
    afterMs: 1000,
    periodMs: 100,
    clipsPerHour: 100,
    privacy: 'none',
    putHosts: [],
    rules: { lowConfidence: 0, disagreement: 0, rareClasses: [] },
    ...more,
  };
  const log = (_level: string, line: string): void => void lines.push(line);
  const part = new Capture(options, { device, node: 'detector', log, publishText: null }, clock);
  await part.start();
  onTestFinished(() => part.stop());
  const model = { isLoaded: true };
  const session = sessionOf();
  const sink = part.attach({
    ...session,
    cameras: [...cameras],
    labels: ['person', 'car'],
    pipeline: {
      ...session.pipeline,
      get engineInfo() {
        return model.isLoaded ? ({ bundle: BUNDLE } as never) : null;
      },
    },
  }).sink!;
  let sequence = 0;
  /** A frame 100 ms after the one before. */
  const deliver = (image: ImageView | CompressedView | null, found: Partial<FrameResult> = {}): void => {
    clock.advance(100);
    const wallMs = clock.wallMs();
    const stamp = { sec: Math.floor(wallMs / 1000), nanosec: (wallMs % 1000) * 1e6 };
    const envelope = { camera: 'front', sequence, stamp, frameId: 'lens', receivedAt: clock.monotonicMs() };
    const statistics = new Float32Array(BLOCK_FLOATS).fill(0.5);
    const sizes = { sourceWidth: WIDTH, sourceHeight: HEIGHT, totalMs: 12, bundleDigest: BUNDLE.digest };
    sequence += 1;
    const kept = sink.wantsImage?.('front') === true ? image : null;
    void sink.deliver(
      { envelope, ...sizes, statistics, detections: oneBox(), ...found } as unknown as FrameResult,
      null,
      kept,
    );
  };
  return {
    part,
    sink,
    clock,
    lines,
    offered,
    folder,
    model,
    deliver,
    reading: () => part.status()['capture'] as NonNullable<ReturnType<typeof part.status>['capture']>,
    /** asks for a clip, delivers what is after, and waits until it is on the disk */
    clip: async (
      images: readonly (ImageView | CompressedView)[],
      after: readonly (ImageView | CompressedView)[],
    ) => {
      for (const image of images) deliver(image);
      const answer = part.capture(MANUAL);
      for (const image of after) deliver(image);
      clock.advance(options.afterMs + 1);
      await part.settled();
      return answer;
    },
  };
}

export const MANUAL = { reason: 'manual', text: 'a test', camera: null, isProtected: false } as const;
