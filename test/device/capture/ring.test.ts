import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetections } from '../../../src/core/detections.ts';
import { FrameRing } from '../../../src/device/capture/frame-ring.ts';
import { KeptFrame } from '../../../src/device/capture/kept-frame.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';

const LARGE = 100_000;

function frame(receivedAt: number, bytes: number, camera = 'front'): KeptFrame {
  const envelope = {
    camera,
    receivedAt,
    sequence: 0,
    stamp: { sec: 0, nanosec: 0 },
    frameId: '',
    deadline: Infinity,
  };
  const result = { envelope, detections: createDetections(0), statistics: null } as unknown as FrameResult;
  return new KeptFrame(result, { format: 'jpeg', data: new Uint8Array(bytes) });
}

const memoryOf = ({ image }: KeptFrame): number | undefined => image?.data.byteLength;

describe('the ring', () => {
  it('keeps no frame that is too old and no byte too much, and counts what it has', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ after: fc.nat(400), bytes: fc.nat(3000) }), { maxLength: 60 }),
        (steps) => {
          const ring = new FrameRing({ ageMs: 1000, bytes: 8000 });
          let now = 0;
          for (const { after, bytes } of steps) {
            now += after;
            ring.add(frame(now, bytes));
            const held = ring.hold(new Set(['front']), 0);
            expect(held).toHaveLength(ring.frames);
            expect(ring.bytes).toBe(held.reduce((sum, one) => sum + one.bytes, 0));
            expect(ring.bytes).toBeLessThanOrEqual(8000);
            expect(held.every(({ envelope }) => now - envelope.receivedAt <= 1000)).toBe(true);
            for (const one of held) one.letGo();
          }
        },
      ),
    );
  });

  it('frees memory at once when nobody holds a frame, and not before', () => {
    const ring = new FrameRing({ ageMs: 1000, bytes: 10 * LARGE });
    const [free, held] = [frame(0, LARGE), frame(0, LARGE)];
    ring.add(free);
    ring.add(held);
    held.hold();
    ring.add(frame(5000, LARGE));
    expect([ring.frames, memoryOf(free), memoryOf(held)]).toEqual([1, 0, LARGE]);
    held.letGo();
    expect(memoryOf(held)).toBe(0);
  });

  it('hands out frames of the cameras that are asked for', () => {
    const ring = new FrameRing({ ageMs: 1000, bytes: 10 * LARGE });
    ring.add(frame(0, 10));
    ring.add(frame(1, 10, 'rear'));
    expect(ring.hold(new Set(['rear']), 0).map(({ envelope }) => envelope.camera)).toEqual(['rear']);
    expect(ring.hold(new Set(['front']), 1)).toEqual([]);
    ring.clear();
    expect([ring.frames, ring.bytes]).toEqual([0, 0]);
  });
});
