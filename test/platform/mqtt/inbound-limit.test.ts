import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InboundLimit } from '../../../src/platform/mqtt/inbound-limit.ts';

const SECOND = 1_000;

/** Feeds `seconds` of a constant rate of packets. @returns the first objection, and what was taken until then */
function feed(packet: number, perSecond: number, seconds: number): { reason: string | null; taken: number } {
  const limit = new InboundLimit(0);
  let taken = 0;
  for (let i = 0; i < perSecond * seconds; i += 1) {
    const nowMs = (i / perSecond) * SECOND;
    const reason = limit.noteBytes(packet, nowMs) ?? limit.notePacket(true, nowMs);
    if (reason !== null) return { reason, taken };
    taken += packet;
  }
  return { reason: null, taken };
}

describe('what a client takes from a broker', () => {
  it('is an acknowledgement of a thousand ranges now and then, and small ones all day', () => {
    expect(feed(30_000, 1, 3_600).reason).toBeNull();
    expect(feed(250, 60, 3_600).reason).toBeNull();
  });

  it('is no flood, of large messages or of small ones', () => {
    expect(feed(100_000, 1_000, 10).reason).toMatch(/KiB a second/);
    expect(feed(100_000, 1_000, 10).taken).toBeLessThanOrEqual(512 * 1024);
    const small = feed(10, 100_000, 10);
    expect(small.reason).toMatch(/more messages/);
    expect(small.taken / 10).toBeLessThan(1_200);
  });

  it('is no packet without end, however slowly it comes', () => {
    const limit = new InboundLimit(0);
    let reason: string | null = null;
    let bytes = 0;
    for (let nowMs = 0; reason === null && nowMs < 3_600 * SECOND; nowMs += 100) {
      bytes += 1_000;
      reason = limit.noteBytes(1_000, nowMs);
    }
    expect(reason).toMatch(/packet of more than 320 KiB/);
    expect(bytes).toBeLessThan(340_000);
  });

  it('never exceeds the burst and the rate, whatever arrives when', () => {
    const arrivals = fc.array(fc.tuple(fc.nat(200_000), fc.nat(5_000)), { maxLength: 200 });
    fc.assert(
      fc.property(arrivals, (all) => {
        const limit = new InboundLimit(0);
        let nowMs = 0;
        let taken = 0;
        for (const [bytes, waitMs] of all) {
          nowMs += waitMs;
          if (limit.noteBytes(bytes, nowMs) !== null || limit.notePacket(false, nowMs) !== null) break;
          taken += bytes;
        }
        expect(taken).toBeLessThanOrEqual(512 * 1024 + (nowMs / SECOND) * 64 * 1024);
      }),
    );
  });
});
