import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MAX_HISTORY_BYTES, MAX_HISTORY_MESSAGES } from '../../src/contract/telemetry/history.ts';
import { packHistory, readHistory } from '../../src/platform/history-batch.ts';

const message = { stream: 'metrics', payload: '{"headerId":7,"text":"a \\"quote\\", ü and \\u0000"}' };

const packed = (value: unknown): Buffer => zstdCompressSync(JSON.stringify(value));

describe('a batch of messages that waited', () => {
  it('holds every payload as it was, byte for byte', () => {
    const messages = [message, { stream: 'gap', payload: '{ "spaces" : 1.0 }' }];
    expect(readHistory(packHistory(messages))).toEqual(messages);
  });

  it.each([
    ['nothing', Buffer.alloc(0), /not Zstandard/],
    ['plain JSON', Buffer.from(JSON.stringify([message])), /not Zstandard/],
    ['half of a batch', packHistory([message]).subarray(0, 30), /not Zstandard/],
    ['random bytes', randomBytes(1_000), /not Zstandard/],
    ['a bomb', zstdCompressSync(Buffer.alloc(256 << 20)), /unpacks to more than/],
    ['a bomb that names its size', zstdCompressSync(Buffer.alloc(MAX_HISTORY_BYTES + 1)), /unpacks to more/],
    ['more than a message may have', randomBytes((1 << 20) + 1), /1048576 at most/],
    ['no JSON', zstdCompressSync('[{'), /not JSON/],
    ['no UTF-8', zstdCompressSync(Buffer.from([0x22, 0xff, 0x22])), /not JSON/],
    ['deep JSON', zstdCompressSync('['.repeat(1e6)), /nested deeper/],
    ['no list', packed(message), /not a list/],
    ['an empty list', packed([]), /not a list/],
    ['a flood', packed(new Array(MAX_HISTORY_MESSAGES + 1).fill(message)), /not a list/],
    ['a stream that is no name', packed([{ ...message, stream: '../x' }]), /0\.stream/],
    ['a payload that is no text', packed([{ ...message, payload: {} }]), /0\.payload/],
  ])('is refused if it is %s', (_what, bytes, detail) => {
    expect(readHistory(bytes)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(detail) as string,
    });
  });

  it('is refused, or read, and never throws, whatever is flipped in it', () => {
    const whole = packHistory(new Array(20).fill(message));
    for (let i = 0; i < whole.length; i += 1) {
      const damaged = Buffer.from(whole);
      damaged[i]! ^= 0x55;
      expect(() => readHistory(damaged)).not.toThrow();
    }
  });
});
