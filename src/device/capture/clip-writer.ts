import { McapWriter } from '@mcap/core';
import { Detection2DArrayEncoder } from '../../core/cdr/detection2d-array.ts';
import type { MessageHeader } from '../../core/cdr/header.ts';
import { encodeCompressedImage } from '../../core/cdr/messages.ts';
import { CdrWriter } from '../../core/cdr/writer.ts';
import { ABSENT, BLOCK } from '../../core/drift/frame-block.ts';
import { IMAGE_FEATURES } from '../../core/drift/features.ts';
import { IMAGE_ANNOTATIONS_SCHEMA, imageAnnotations } from '../../core/mcap/image-annotations.ts';
import { MESSAGE_DEFINITIONS } from '../../core/mcap/message-definitions.ts';
import type { ClipFile } from './clip-file.ts';
import type { ClipImage } from './clip-image.ts';
import type { KeptFrame } from './kept-frame.ts';

/** A chunk is what a power cut can take: about one image. */
const CHUNK_BYTES = 64 << 10;

const STATISTICS_SCHEMA = {
  title: 'goshawk.FrameStatistics',
  type: 'object',
  properties: {
    sequence: { type: 'integer' },
    bundleDigest: { type: 'string' },
    width: { type: 'integer' },
    height: { type: 'integer' },
    totalMs: { type: 'number' },
    features: { type: 'object', additionalProperties: { type: 'number' } },
    suppression: { type: 'object', additionalProperties: { type: 'number' } },
  },
} as const;

interface Channels {
  readonly image: number;
  readonly detections: number;
  readonly annotations: number;
  readonly statistics: number;
}

/** Facts about a clip that its file carries, as the metadata `goshawk.clip`. */
export type ClipMetadata = Readonly<Record<string, string>>;

/**
 * Writes frames as MCAP: for each camera `/CAMERA/image/compressed` (sensor_msgs), `/CAMERA/detections` (vision_msgs),
 * `/CAMERA/annotations` (foxglove.ImageAnnotations) and `/CAMERA/statistics` (JSON). Chunks follow one another on the
 * disk, and the index comes last: without it, everything up to the last whole chunk can be read.
 */
export class ClipWriter {
  readonly #writer: McapWriter;
  readonly #cdr = new CdrWriter();
  readonly #detections: Detection2DArrayEncoder;
  readonly #labels: readonly string[];
  readonly #channels = new Map<string, Channels>();
  #schemas: Promise<Channels> | undefined;

  constructor(file: ClipFile, labels: readonly string[]) {
    this.#writer = new McapWriter({ writable: file, chunkSize: CHUNK_BYTES });
    this.#labels = labels;
    this.#detections = new Detection2DArrayEncoder(labels);
  }

  /** The metadata comes first, so that a file that was cut short has it. @throws what the file system throws */
  async start(metadata: ClipMetadata): Promise<void> {
    await this.#writer.start({ profile: 'ros2', library: 'goshawk' });
    await this.#writer.addMetadata({ name: 'goshawk.clip', metadata: new Map(Object.entries(metadata)) });
  }

  /**
   * @param image null for none
   * @param logTime receive time, nanoseconds since the epoch
   * @throws what the file system throws
   */
  async add(frame: KeptFrame, image: ClipImage | null, logTime: bigint): Promise<void> {
    const { envelope, detections } = frame;
    const channels = await this.#channelsOf(envelope.camera);
    const { stamp, frameId, sequence } = envelope;
    const header: MessageHeader = { stamp, frameId };
    const publishTime = BigInt(Math.max(0, stamp.sec)) * 1_000_000_000n + BigInt(stamp.nanosec);
    const put = (channelId: number, data: Uint8Array): Promise<void> =>
      this.#writer.addMessage({ channelId, sequence, logTime, publishTime, data });
    if (image !== null)
      await put(channels.image, encodeCompressedImage(this.#cdr, header, image.format, image.data));
    await put(channels.detections, this.#detections.encode(header, detections));
    await put(channels.annotations, json(imageAnnotations(detections, this.#labels, stamp)));
    await put(channels.statistics, json(statisticsOf(frame)));
  }

  /** Writes the index. @throws what the file system throws */
  async end(): Promise<void> {
    await this.#writer.end();
  }

  async #channelsOf(camera: string): Promise<Channels> {
    const known = this.#channels.get(camera);
    if (known !== undefined) return known;
    const schemas = await (this.#schemas ??= this.#registerSchemas());
    const base = camera.startsWith('/') ? camera : `/${camera}`;
    const register = (topic: string, schemaId: number, messageEncoding: 'cdr' | 'json'): Promise<number> =>
      this.#writer.registerChannel({
        schemaId,
        topic: `${base}/${topic}`,
        messageEncoding,
        metadata: new Map(),
      });
    const channels = {
      image: await register('image/compressed', schemas.image, 'cdr'),
      detections: await register('detections', schemas.detections, 'cdr'),
      annotations: await register('annotations', schemas.annotations, 'json'),
      statistics: await register('statistics', schemas.statistics, 'json'),
    };
    this.#channels.set(camera, channels);
    return channels;
  }

  async #registerSchemas(): Promise<Channels> {
    const ros = (name: keyof typeof MESSAGE_DEFINITIONS): Promise<number> =>
      this.#writer.registerSchema({ name, encoding: 'ros2msg', data: utf8(MESSAGE_DEFINITIONS[name]) });
    const jsonSchema = (schema: { readonly title: string }): Promise<number> =>
      this.#writer.registerSchema({ name: schema.title, encoding: 'jsonschema', data: json(schema) });
    return {
      image: await ros('sensor_msgs/msg/CompressedImage'),
      detections: await ros('vision_msgs/msg/Detection2DArray'),
      annotations: await jsonSchema(IMAGE_ANNOTATIONS_SCHEMA),
      statistics: await jsonSchema(STATISTICS_SCHEMA),
    };
  }
}

const SUPPRESSION = ['candidates', 'kept', 'consistency', 'reliable', 'overlapping'] as const;

/** What was measured; what was not is left out. */
function statisticsOf({ envelope, statistics, width, height, totalMs, bundleDigest }: KeptFrame): object {
  const known = { sequence: envelope.sequence, bundleDigest, width, height, totalMs };
  if (statistics === null) return known;
  const measured = (entries: readonly (readonly [string, number | undefined])[]): object =>
    Object.fromEntries(
      entries.filter(([, value]) => value !== undefined && value !== ABSENT && Number.isFinite(value)),
    );
  return {
    ...known,
    features: measured(IMAGE_FEATURES.map((name, i) => [name, statistics[i]] as const)),
    suppression: measured(SUPPRESSION.map((name) => [name, statistics[BLOCK[name]]] as const)),
  };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const json = (value: object): Uint8Array => utf8(JSON.stringify(value));
