import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeImage } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import type { Frame } from '../../../src/core/frame.ts';
import { isCompressed } from '../../../src/core/image/image-view.ts';
import { EnvelopeMaker } from '../../../src/device/pipeline/frame/envelope.ts';
import { CameraInput, type FrameAdmission } from '../../../src/ros/detector/camera-input.ts';
import { RateLimit } from '../../../src/ros/detector/rate-limit.ts';

const FIELDS = { width: 4, height: 2, encoding: 'rgb8', step: 12 };
const HEADER = { stamp: { sec: 7, nanosec: 8 }, frameId: 'eye' };

function image(): Uint8Array {
  return encodeImage(new CdrWriter(), HEADER, FIELDS, new Uint8Array(24).fill(9)).slice();
}

class Admission implements FrameAdmission {
  readonly frames: Frame[] = [];
  readonly refused: string[] = [];

  offer(frame: Frame): null {
    this.frames.push(frame);
    return null;
  }

  refuse(_camera: string, reason: string): void {
    this.refused.push(reason);
  }
}

function makeInput(
  kind: 'raw' | 'compressed',
  rate = new RateLimit(() => 0),
): { input: CameraInput; admission: Admission } {
  const admission = new Admission();
  return { admission, input: new CameraInput('front', kind, admission, new EnvelopeMaker('front'), rate) };
}

describe('CameraInput', () => {
  it('offers an image in place in the message, with its header', () => {
    const { input, admission } = makeInput('raw');
    const bytes = image();
    input.take(bytes);
    const [frame] = admission.frames;
    expect(frame!.envelope).toMatchObject({
      camera: 'front',
      stamp: HEADER.stamp,
      frameId: 'eye',
      sequence: 0,
    });
    expect(isCompressed(frame!.image)).toBe(false);
    expect(frame!.image.data.buffer).toBe(bytes.buffer);
    expect(frame!.image).toMatchObject({ width: 4, height: 2, encoding: 'rgb8', step: 12 });
  });

  it('counts every message once, whatever its content', () => {
    const whole = image();
    const changed = fc.record({
      at: fc.nat(whole.length - 1),
      value: fc.nat(255),
      cut: fc.nat(whole.length),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('raw' as const, 'compressed' as const),
        fc.array(changed, { maxLength: 8 }),
        (kind, changes) => {
          const { input, admission } = makeInput(kind);
          for (const { at, value, cut } of changes) {
            const bytes = whole.slice();
            bytes[at] = value;
            input.take(bytes.subarray(0, cut));
          }
          expect(input.messages).toBe(changes.length);
          expect(admission.frames.length + admission.refused.length).toBe(changes.length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('refuses what exceeds the rate with a separate reason', () => {
    let now = 0;
    const rate = new RateLimit(() => now);
    rate.set(10);
    const { input, admission } = makeInput('raw', rate);
    for (; now < 1000; now += 33) input.take(image());
    expect(admission.frames).toHaveLength(10);
    expect(new Set(admission.refused)).toEqual(new Set(['rate_limited']));
  });
});

describe('RateLimit', () => {
  it.each([
    [10, 33],
    [30, 30],
    [5, 1],
    [20, 16.7],
  ])('passes about %d frames per second of a camera with a period of %d ms', (limit, period) => {
    let now = 0;
    const rate = new RateLimit(() => now);
    rate.set(limit);
    let admitted = 0;
    for (; now < 10_000; now += period) if (rate.admits()) admitted += 1;
    expect(Math.abs(admitted - 10 * limit)).toBeLessThanOrEqual(0.03 * 10 * limit + 1);
  });

  it('does not catch up after a pause, and passes everything if 0', () => {
    let now = 0;
    const rate = new RateLimit(() => now);
    rate.set(10);
    expect(rate.admits()).toBe(true);
    now = 5000;
    expect([rate.admits(), rate.admits(), rate.admits()]).toEqual([true, false, false]);
    rate.set(0);
    expect([rate.admits(), rate.admits()]).toEqual([true, true]);
  });
});
