import { open } from 'node:fs/promises';
import { compress, isLoaded } from '@foxglove/wasm-zstd';
import { McapWriter, type McapWriterOptions } from '@mcap/core';
import { encodeCompressedImage, encodeImage } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import type { Stamp } from '../../../src/core/frame.ts';

/** Messages of one topic: images of 4x2, image i filled with 10 + i, or the same JPEG over and over. */
export interface TopicPlan {
  readonly topic: string;
  readonly frames: number;
  readonly periodMs: number;
  /** when its first message was recorded, after the start; default 0 */
  readonly startMs?: number;
  /** default rgb8 */
  readonly encoding?: 'rgb8' | 'mono8' | '16UC1';
  /** publishes this as CompressedImage */
  readonly jpeg?: Uint8Array;
  /** instead of the filled images: pixels of rgb8 */
  readonly image?: (index: number) => { width: number; height: number; pixels: Uint8Array };
  /** milliseconds after the start at which message `index` was recorded, and the stamp of its header */
  readonly times?: (index: number) => { readonly logMs: number; readonly stampMs: number };
  /** images that are truncated */
  readonly broken?: (index: number) => boolean;
}

export interface RecordingPlan {
  readonly topics: readonly TopicPlan[];
  readonly compression?: 'none' | 'zstd' | 'lz4';
  readonly profile?: string;
  readonly messageEncoding?: string;
  /** each message compressed separately, as in rosbag2's `compression_mode: message` */
  readonly messageZstd?: boolean;
  readonly options?: Partial<McapWriterOptions>;
}

const START = 1_700_000_000_000_000_000n;
const BYTES_OF = { rgb8: 3, mono8: 1, '16UC1': 2 } as const;

/** An LZ4 frame (format version 1.6.1) with one uncompressed block: 64 KiB blocks, no checksums. */
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

const cdr = new CdrWriter();

function stampOf({ times }: TopicPlan, index: number): Stamp {
  if (times === undefined) return { sec: 100, nanosec: index };
  const ns = START + BigInt(Math.round(times(index).stampMs * 1e6));
  return { sec: Number(ns / 1_000_000_000n), nanosec: Number(ns % 1_000_000_000n) };
}

/** Message `index` of a topic in CDR. */
export function imageMessage(plan: TopicPlan, index: number): Uint8Array {
  const { jpeg, encoding = 'rgb8', broken = () => false } = plan;
  const header = { stamp: stampOf(plan, index), frameId: 'front' };
  if (jpeg !== undefined)
    return encodeCompressedImage(cdr, header, 'rgb8; jpeg compressed bgr8', jpeg).slice();
  if (plan.image !== undefined) {
    const { width, height, pixels } = plan.image(index);
    const fields = { width, height, encoding: 'rgb8', step: 3 * width };
    return encodeImage(cdr, header, fields, pixels).slice();
  }
  const step = 4 * BYTES_OF[encoding];
  const fields = { width: 4, height: 2, encoding, step };
  const image = encodeImage(cdr, header, fields, new Uint8Array(2 * step).fill(10 + index)).slice();
  return broken(index) ? image.subarray(0, 30) : image;
}

/** Recorded time of message `index` of a topic, nanoseconds. */
export function logTimeOf({ startMs = 0, periodMs, times }: TopicPlan, index: number): bigint {
  return START + BigInt(Math.round((times?.(index).logMs ?? startMs + index * periodMs) * 1e6));
}

/** Writes an MCAP file with messages in time order; those of a single topic in their own order. */
export async function writeRecording(path: string, plan: RecordingPlan): Promise<void> {
  await isLoaded;
  const file = await open(path, 'w');
  let position = 0n;
  const { compression = 'none', messageZstd = false } = plan;
  const writer = new McapWriter({
    writable: {
      write: async (bytes: Uint8Array) => {
        await file.write(bytes);
        position += BigInt(bytes.length);
      },
      position: () => position,
    },
    ...(compression === 'none' ? {} : { compressChunk: COMPRESSORS[compression] }),
    ...plan.options,
  });
  await writer.start({ profile: plan.profile ?? 'ros2', library: 'test' });
  const messages: { readonly logTime: bigint; readonly channelId: number; readonly data: Uint8Array }[] = [];
  for (const topic of plan.topics) {
    const name = topic.jpeg === undefined ? 'sensor_msgs/msg/Image' : 'sensor_msgs/msg/CompressedImage';
    const schemaId = await writer.registerSchema({ name, encoding: 'ros2msg', data: new Uint8Array(0) });
    const messageEncoding = plan.messageEncoding ?? 'cdr';
    const channelId = await writer.registerChannel({
      schemaId,
      topic: topic.topic,
      messageEncoding,
      metadata: new Map(),
    });
    for (let i = 0; i < topic.frames; i += 1) {
      const data = imageMessage(topic, i);
      messages.push({ channelId, logTime: logTimeOf(topic, i), data: messageZstd ? compress(data) : data });
    }
  }
  if (plan.topics.length > 1) messages.sort((a, b) => Number(a.logTime - b.logTime));
  for (const [sequence, message] of messages.entries()) {
    await writer.addMessage({ ...message, sequence, publishTime: message.logTime });
  }
  await writer.end();
  await file.close();
}
