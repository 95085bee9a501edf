import { open } from 'node:fs/promises';
import { compress, isLoaded } from '@foxglove/wasm-zstd';
import { McapWriter } from '@mcap/core';
import { encodeCompressedImage, encodeImage } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';

export interface RecordingPlan {
  readonly compression: 'none' | 'zstd' | 'lz4';
  readonly frames: number;
  readonly periodMs: number;
  readonly profile?: string;
  /** a second topic with this picture in every message */
  readonly jpeg?: Uint8Array;
  /** the raw image that is cut short */
  readonly brokenAt?: number;
}

/** An LZ4 frame (its format, version 1.6.1) of one block that is stored as it is: 64 KiB blocks, no checksums. */
function lz4Frame(data: Uint8Array): Uint8Array {
  const head = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, (data.length | 0x8000_0000) >>> 0, true);
  return Uint8Array.from([...head, ...size, ...data, 0, 0, 0, 0]);
}

const COMPRESSORS = {
  zstd: (data: Uint8Array) => ({ compression: 'zstd', compressedData: compress(data) }),
  lz4: (data: Uint8Array) => ({ compression: 'lz4', compressedData: lz4Frame(data) }),
};

/** Writes an MCAP file: 4x2 rgb8 images on /front/image_raw, image i filled with 10 + i. */
export async function writeRecording(path: string, plan: RecordingPlan): Promise<void> {
  await isLoaded;
  const file = await open(path, 'w');
  let position = 0n;
  const writer = new McapWriter({
    writable: {
      write: async (bytes: Uint8Array) => {
        await file.write(bytes);
        position += BigInt(bytes.length);
      },
      position: () => position,
    },
    ...(plan.compression === 'none' ? {} : { compressChunk: COMPRESSORS[plan.compression] }),
  });
  await writer.start({ profile: plan.profile ?? 'ros2', library: 'test' });
  const channel = async (topic: string, name: string): Promise<number> => {
    const schemaId = await writer.registerSchema({ name, encoding: 'ros2msg', data: new Uint8Array(0) });
    return writer.registerChannel({ schemaId, topic, messageEncoding: 'cdr', metadata: new Map() });
  };
  const raw = await channel('/front/image_raw', 'sensor_msgs/msg/Image');
  const packed =
    plan.jpeg && (await channel('/rear/image_raw/compressed', 'sensor_msgs/msg/CompressedImage'));
  const cdr = new CdrWriter();
  for (let i = 0; i < plan.frames; i += 1) {
    const header = { stamp: { sec: 100, nanosec: i }, frameId: 'front' };
    const time = 1_000_000_000n + BigInt(i * plan.periodMs) * 1_000_000n;
    const add = (channelId: number, data: Uint8Array): Promise<void> =>
      writer.addMessage({ channelId, sequence: i, logTime: time, publishTime: time, data });
    const fields = { width: 4, height: 2, encoding: 'rgb8', step: 12 };
    const image = encodeImage(cdr, header, fields, new Uint8Array(24).fill(10 + i)).slice();
    await add(raw, i === plan.brokenAt ? image.subarray(0, 30) : image);
    if (plan.jpeg && packed !== undefined) {
      await add(packed, encodeCompressedImage(cdr, header, 'rgb8; jpeg compressed bgr8', plan.jpeg).slice());
    }
  }
  await writer.end();
  await file.close();
}
