import { describe, expect, it } from 'vitest';
import { createDetections } from '../../../../src/core/detections.ts';
import type { ImageView } from '../../../../src/core/image/image-view.ts';
import { FrameJob } from '../../../../src/device/pipeline/frame/frame-job.ts';
import { makeJob } from '../fake-jobs.ts';
import { FakeClock, FrameMaker, MANIFEST, rawImage } from '../fakes.ts';

const SIZE = { width: 320, height: 240 };
const buffer = (): Uint8Array<ArrayBuffer> => new Uint8Array(64 * 64 * 3);

function bigJob(): { job: FrameJob; image: ImageView } {
  const image = rawImage('rgb8', SIZE.width, SIZE.height);
  const frame = new FrameMaker('front', new FakeClock()).next(image);
  return { job: new FrameJob(frame, SIZE, MANIFEST.input, 1, 'digest'), image };
}

describe('FrameJob', () => {
  it('frees the received image once sharp has letterboxed it', () => {
    const { job, image } = bigJob();
    job.prepare('sharp', false);
    expect(job.image).toBe(image);
    job.becomeReady(buffer());
    expect(job.image).toBeNull();
    expect(image.data.byteLength).toBe(0);
  });

  it('keeps the received image if a sink asked for its pixels', () => {
    const { job, image } = bigJob();
    job.prepare('sharp', true);
    job.becomeReady(buffer());
    expect(job.rawPixels).toBe(image);
  });

  it('transfers its memory to the engine, and gets its raw image back only for sinks', () => {
    for (const keepsPixels of [false, true]) {
      const { job, image } = bigJob();
      job.prepare('graph', keepsPixels);
      job.becomeReady(null);
      const { kind, pixels } = job.enterEngine();
      expect(kind).toBe('raw');
      expect(job.image).toBeNull();
      job.becomeDetected(createDetections(1), pixels);
      if (!keepsPixels) expect(job.rawPixels).toBeNull();
      else {
        expect(job.rawPixels?.data).toBe(pixels);
        expect(job.rawPixels).toMatchObject({ width: image.width, encoding: 'rgb8', step: image.step });
      }
    }
  });

  it('hands out its letterboxed buffer once', () => {
    const job = makeJob();
    const letterboxed = buffer();
    job.prepare('sharp', false);
    job.becomeReady(letterboxed);
    expect(job.hasLetterboxed).toBe(true);
    expect(job.enterEngine()).toMatchObject({ kind: 'letterboxed', step: 192 });
    expect(job.takeLetterboxed()).toBeNull();
  });

  it('frees an image that is dropped at the gate, but not one that sharp may be reading', () => {
    const waiting = bigJob();
    waiting.job.drop();
    expect(waiting.image.data.byteLength).toBe(0);
    const preparing = bigJob();
    preparing.job.prepare('sharp', false);
    preparing.job.drop();
    expect(preparing.image.data.byteLength).toBeGreaterThan(0);
    expect(preparing.job.image).toBeNull();
  });
});
