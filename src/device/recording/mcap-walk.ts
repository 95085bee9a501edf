import { crc32 } from '@foxglove/crc';
import decompressLz4 from '@foxglove/wasm-lz4';
import { decompress as decompressZstd, isLoaded as isZstdLoaded } from '@foxglove/wasm-zstd';
import {
  MCAP_OPCODE,
  MESSAGE_HEAD_BYTES,
  parseChannel,
  parseChunk,
  parseMessageHead,
  parseRecordHead,
  parseSchema,
  RECORD_HEAD_BYTES,
  recordsIn,
  type McapChannel,
} from '../../core/mcap/records.ts';
import { checkedSize, type RecordingFile } from './recording-file.ts';
import {
  joinSpans,
  mergeTopics,
  type RecordedDamage,
  type RecordedMessage,
  type RecordedTopic,
  type TimeSpan,
} from './recording.ts';

/** `\x89MCAP0\r\n` */
export const MCAP_MAGIC = [0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a];

/** Decompressors for chunks. Await `loadDecompressors` first. */
export const DECOMPRESSORS = {
  zstd: (bytes: Uint8Array, size: bigint): Uint8Array => decompressZstd(bytes, checkedSize(size)),
  lz4: (bytes: Uint8Array, size: bigint): Uint8Array => decompressLz4(bytes, checkedSize(size)),
};

export async function loadDecompressors(): Promise<void> {
  await Promise.all([isZstdLoaded, decompressLz4.isLoaded]);
}

/** The result of a walk through a whole file. */
export interface McapContents {
  readonly topics: readonly RecordedTopic[];
  readonly spans: ReadonlyMap<string, TimeSpan>;
  /**
   * byte after the last complete record, if the file ends before its data section; `undefined` for a complete
   * file
   */
  readonly cutAt: bigint | undefined;
}

/**
 * Reads an MCAP file record by record, from its start, without its index: files that were written without
 * chunks or index, and those of a recorder that was killed. A chunk that cannot be unpacked is skipped; the
 * walk ends at the first incomplete record.
 */
export class McapWalk {
  readonly #file: RecordingFile;
  readonly #schemas = new Map<number, string>();
  readonly #channels = new Map<number, McapChannel>();
  #cutAt: bigint | undefined;

  constructor(file: RecordingFile) {
    this.#file = file;
  }

  /**
   * Walks through the whole file for its topics; messages outside chunks are skipped without reading them.
   */
  async survey(): Promise<McapContents> {
    const counts = new Map<number, number>();
    const spans = new Map<string, TimeSpan>();
    this.#cutAt = undefined;
    for await (const item of this.#items(() => false)) {
      if ('damage' in item) continue;
      const { channelId, logTime } = item;
      const topic = this.#channels.get(channelId)?.topic;
      if (topic === undefined) continue;
      counts.set(channelId, (counts.get(channelId) ?? 0) + 1);
      spans.set(topic, joinSpans(spans.get(topic), { first: logTime, last: logTime }));
    }
    const topics = topicsOf(
      this.#channels.values(),
      (schemaId) => this.#schemas.get(schemaId),
      (channelId) => counts.get(channelId),
    );
    return { topics, spans, cutAt: this.#cutAt };
  }

  /** Messages of a topic, in the order of the file. */
  async *messages(topic: string): AsyncGenerator<RecordedMessage | RecordedDamage, void, void> {
    for await (const item of this.#items((id) => this.#channels.get(id)?.topic === topic)) {
      if ('damage' in item) yield item;
      else if (item.data !== undefined) yield { data: item.data, logTime: item.logTime };
    }
  }

  /** Every message of the data section, with its data if requested. */
  async *#items(
    wants: (channelId: number) => boolean,
  ): AsyncGenerator<WalkItem | RecordedDamage, void, void> {
    const size = await this.#file.size();
    let at = BigInt(MCAP_MAGIC.length);
    for (;;) {
      const head = parseRecordHead(await this.#file.readUpTo(at, RECORD_HEAD_BYTES));
      const start = at + BigInt(RECORD_HEAD_BYTES);
      // opcode 0 does not exist: zeros mean that a power cut kept the last blocks from the disk
      if (head === undefined || head.opcode === 0 || start + head.length > size) {
        this.#cutAt = at;
        return;
      }
      const { opcode, length } = head;
      if (opcode === MCAP_OPCODE.dataEnd || opcode === MCAP_OPCODE.footer) return;
      at = start + length;
      if (opcode === MCAP_OPCODE.message) yield await this.#readMessage(start, length, wants);
      else if (opcode === MCAP_OPCODE.chunk) yield* this.#readChunk(start, length, wants);
      else if (opcode === MCAP_OPCODE.schema || opcode === MCAP_OPCODE.channel)
        this.#note(opcode, await this.#file.read(start, length));
    }
  }

  async #readMessage(
    start: bigint,
    length: bigint,
    wants: (channelId: number) => boolean,
  ): Promise<WalkItem | RecordedDamage> {
    try {
      const { channelId, logTime } = parseMessageHead(await this.#file.readUpTo(start, MESSAGE_HEAD_BYTES));
      if (!wants(channelId)) return { channelId, logTime };
      const data = await this.#file.read(
        start + BigInt(MESSAGE_HEAD_BYTES),
        length - BigInt(MESSAGE_HEAD_BYTES),
      );
      return { channelId, logTime, data };
    } catch (error) {
      return { damage: `the message at byte ${start}: ${messageOf(error)}` };
    }
  }

  async *#readChunk(
    start: bigint,
    length: bigint,
    wants: (channelId: number) => boolean,
  ): AsyncGenerator<WalkItem | RecordedDamage, void, void> {
    try {
      for (const { opcode, content } of recordsIn(unpackChunk(await this.#file.read(start, length)))) {
        if (opcode !== MCAP_OPCODE.message) {
          this.#note(opcode, content);
          continue;
        }
        const { channelId, logTime } = parseMessageHead(content);
        yield wants(channelId)
          ? { channelId, logTime, data: content.subarray(MESSAGE_HEAD_BYTES) }
          : { channelId, logTime };
      }
    } catch (error) {
      yield { damage: `the chunk at byte ${start}: ${messageOf(error)}` };
    }
  }

  #note(opcode: number, content: Uint8Array): void {
    if (opcode === MCAP_OPCODE.schema) {
      const { id, name } = parseSchema(content);
      this.#schemas.set(id, name);
    } else if (opcode === MCAP_OPCODE.channel) {
      const channel = parseChannel(content);
      this.#channels.set(channel.id, channel);
    }
  }
}

/** The topics of a file, merged from its channels. */
export function topicsOf(
  channels: Iterable<McapChannel>,
  typeOf: (schemaId: number) => string | undefined,
  countOf: (channelId: number) => number | bigint | undefined,
): RecordedTopic[] {
  const topics = [...channels].map(
    ({ id, topic: name, messageEncoding: encoding, schemaId }): RecordedTopic => ({
      name,
      type: typeOf(schemaId) ?? '',
      encoding,
      count: Number(countOf(id) ?? 0),
    }),
  );
  return mergeTopics([topics]);
}

interface WalkItem {
  readonly channelId: number;
  readonly logTime: bigint;
  readonly data?: Uint8Array;
}

/** The records of a chunk. @throws Error if they cannot be unpacked or their checksum is wrong */
function unpackChunk(content: Uint8Array): Uint8Array {
  const { compression, records, uncompressedSize, uncompressedCrc } = parseChunk(content);
  let bytes = records;
  if (compression === 'zstd' || compression === 'lz4') {
    bytes = DECOMPRESSORS[compression](records, uncompressedSize);
  } else if (compression !== '') {
    throw new Error(`its compression "${compression}" is neither zstd nor lz4`);
  }
  if (uncompressedCrc !== 0 && crc32(bytes) !== uncompressedCrc) throw new Error('its checksum is wrong');
  return bytes;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
