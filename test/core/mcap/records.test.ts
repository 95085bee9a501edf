import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MCAP_OPCODE,
  parseChannel,
  parseChunk,
  parseMessageHead,
  parseRecordHead,
  parseSchema,
  recordsIn,
} from '../../../src/core/mcap/records.ts';

const u16 = (value: number): number[] => [value & 255, value >> 8];
const u32 = (value: number): number[] => [...u16(value & 65535), ...u16(value >>> 16)];
const u64 = (value: bigint): number[] => [...u32(Number(value & 0xffff_ffffn)), ...u32(Number(value >> 32n))];
const text = (value: string): number[] => {
  const bytes = new TextEncoder().encode(value);
  return [...u32(bytes.length), ...bytes];
};
const record = (opcode: number, content: readonly number[]): number[] => [
  opcode,
  ...u64(BigInt(content.length)),
  ...content,
];

describe('MCAP records', () => {
  it('are read field by field', () => {
    const schema = [...u16(3), ...text('sensor_msgs/msg/Image'), ...text('ros2msg'), ...u32(0)];
    expect(parseSchema(Uint8Array.from(schema))).toEqual({ id: 3, name: 'sensor_msgs/msg/Image' });
    const channel = [...u16(7), ...u16(3), ...text('/b\u00e4r/image'), ...text('cdr'), ...u32(0)];
    expect(parseChannel(Uint8Array.from(channel))).toEqual({
      id: 7,
      schemaId: 3,
      topic: '/b\u00e4r/image',
      messageEncoding: 'cdr',
    });
    const time = 1_700_000_000_123_456_789n;
    const message = [...u16(7), ...u32(9), ...u64(time), ...u64(0n), 1, 2, 3];
    expect(parseMessageHead(Uint8Array.from(message))).toEqual({ channelId: 7, logTime: time });
    const chunk = [
      ...u64(1n),
      ...u64(2n),
      ...u64(99n),
      ...u32(0xdeadbeef),
      ...text('lz4'),
      ...u64(3n),
      4,
      5,
      6,
    ];
    expect(parseChunk(Uint8Array.from(chunk))).toEqual({
      uncompressedSize: 99n,
      uncompressedCrc: 0xdeadbeef,
      compression: 'lz4',
      records: Uint8Array.of(4, 5, 6),
    });
  });

  it('follow one another, and the last one must be complete', () => {
    const bytes = [
      ...record(MCAP_OPCODE.message, [1, 2]),
      ...record(99, []),
      ...record(MCAP_OPCODE.schema, [3]),
    ];
    expect(
      Array.from(recordsIn(Uint8Array.from(bytes)), ({ opcode, content }) => [opcode, ...content]),
    ).toEqual([[MCAP_OPCODE.message, 1, 2], [99], [MCAP_OPCODE.schema, 3]]);
    for (const cut of [1, 5, 9]) {
      expect(() => [...recordsIn(Uint8Array.from(bytes.slice(0, -cut)))]).toThrow(RangeError);
    }
    expect(parseRecordHead(new Uint8Array(8))).toBeUndefined();
  });

  it('turn any bytes into a value or a RangeError', () => {
    const readers = [parseSchema, parseChannel, parseMessageHead, parseChunk];
    const all = (bytes: Uint8Array): unknown[] => [...recordsIn(bytes)];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(all, ...readers), (bytes, read) => {
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
