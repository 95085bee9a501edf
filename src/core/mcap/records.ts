/**
 * Opcodes of MCAP records. A file is a sequence of records: a one-byte opcode, an eight-byte length and the
 * content.
 */
export const MCAP_OPCODE = {
  footer: 0x02,
  schema: 0x03,
  channel: 0x04,
  message: 0x05,
  chunk: 0x06,
  dataEnd: 0x0f,
} as const;

/** Size of a record's opcode and length. */
export const RECORD_HEAD_BYTES = 9;

/** Size of a message's content before its data: channel, sequence, log time, publish time. */
export const MESSAGE_HEAD_BYTES = 22;

export interface RecordHead {
  readonly opcode: number;
  /** size of the content that follows */
  readonly length: bigint;
}

export interface McapSchema {
  readonly id: number;
  readonly name: string;
}

export interface McapChannel {
  readonly id: number;
  readonly schemaId: number;
  readonly topic: string;
  readonly messageEncoding: string;
}

export interface McapMessageHead {
  readonly channelId: number;
  /** nanoseconds since the epoch */
  readonly logTime: bigint;
}

export interface McapChunk {
  readonly uncompressedSize: bigint;
  /** CRC-32 of the decompressed records; 0 if there is none */
  readonly uncompressedCrc: number;
  /** empty for none, `zstd` or `lz4` */
  readonly compression: string;
  readonly records: Uint8Array;
}

/** Walks the fields of one record's content. Reading past its end throws a RangeError. */
class Fields {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  uint32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  uint64(): bigint {
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8, true);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes(this.uint32()));
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('a field of a record extends past its end');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

/** The head of the record that starts at `at`; `undefined` if fewer than nine bytes are left. */
export function parseRecordHead(bytes: Uint8Array, at = 0): RecordHead | undefined {
  if (at + RECORD_HEAD_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, RECORD_HEAD_BYTES);
  return { opcode: view.getUint8(0), length: view.getBigUint64(1, true) };
}

/** @throws RangeError if it is cut short */
export function parseSchema(content: Uint8Array): McapSchema {
  const fields = new Fields(content);
  return { id: fields.uint16(), name: fields.text() };
}

/** @throws RangeError if it is cut short */
export function parseChannel(content: Uint8Array): McapChannel {
  const fields = new Fields(content);
  const id = fields.uint16();
  const schemaId = fields.uint16();
  const topic = fields.text();
  return { id, schemaId, topic, messageEncoding: fields.text() };
}

/**
 * @param content at least the first `MESSAGE_HEAD_BYTES`; the data follows them
 * @throws RangeError if it is cut short
 */
export function parseMessageHead(content: Uint8Array): McapMessageHead {
  const fields = new Fields(content);
  const channelId = fields.uint16();
  fields.uint32();
  return { channelId, logTime: fields.uint64() };
}

/** @throws RangeError if it is cut short */
export function parseChunk(content: Uint8Array): McapChunk {
  const fields = new Fields(content);
  fields.uint64();
  fields.uint64();
  const uncompressedSize = fields.uint64();
  const uncompressedCrc = fields.uint32();
  const compression = fields.text();
  const length = fields.uint64();
  return { uncompressedSize, uncompressedCrc, compression, records: fields.bytes(Number(length)) };
}

/** The records in a buffer, one after another. @throws RangeError if the last one is truncated */
export function* recordsIn(
  bytes: Uint8Array,
): Generator<{ opcode: number; content: Uint8Array }, void, void> {
  let at = 0;
  while (at < bytes.length) {
    const head = parseRecordHead(bytes, at);
    const start = at + RECORD_HEAD_BYTES;
    if (head === undefined || BigInt(start) + head.length > BigInt(bytes.length)) {
      throw new RangeError(`a record at byte ${String(at)} extends past the end`);
    }
    at = start + Number(head.length);
    yield { opcode: head.opcode, content: bytes.subarray(start, at) };
  }
}
