/**
 * Packets of MQTT 5 (OASIS standard, section 3), as few of them as simulated robots need. They are written here since a
 * client library costs more for a message than what is to be measured.
 */
export const PACKET = {
  connack: 0x20,
  publish: 0x30,
  puback: 0x40,
  suback: 0x90,
  pingresp: 0xd0,
  disconnect: 0xe0,
} as const;

const QOS_1 = 0x02;
const RETAIN = 0x01;
const RECEIVE_MAXIMUM = 0x21;
/** Most that 16 bits may say. */
export const MAX_RECEIVE = 0xffff;

export interface Connect {
  readonly clientId: string;
  readonly keepAliveSeconds: number;
  /** messages that the broker may send before one of them is acknowledged */
  readonly receiveMaximum: number;
  readonly will?: { readonly topic: string; readonly payload: string };
}

/** Variable byte integer. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    const more = left >= 0x80;
    bytes.push((left % 0x80) | (more ? 0x80 : 0));
    left = Math.floor(left / 0x80);
  } while (left > 0);
  return Buffer.from(bytes);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first]), varint(body.length), body]);
}

const NO_PROPERTIES = varint(0);

export function connectPacket({ clientId, keepAliveSeconds, receiveMaximum, will }: Connect): Buffer {
  // clean start; a will with QoS 1 that is retained
  const flags = 0x02 | (will === undefined ? 0 : 0x04 | 0x08 | 0x20);
  const properties = Buffer.concat([Buffer.from([RECEIVE_MAXIMUM]), uint16(receiveMaximum)]);
  const last = will === undefined ? [] : [NO_PROPERTIES, text(will.topic), text(will.payload)];
  return packet(
    0x10,
    text('MQTT'),
    Buffer.from([5, flags]),
    uint16(keepAliveSeconds),
    varint(properties.length),
    properties,
    text(clientId),
    ...last,
  );
}

/** For one filter, with QoS 1. */
export function subscribePacket(id: number, filter: string): Buffer {
  return packet(0x82, uint16(id), NO_PROPERTIES, text(filter), Buffer.from([1]));
}

/** A PUBLISH with QoS 1, and where its packet id is to be written. */
export function publishPacket(
  topic: string,
  payload: Uint8Array,
  isRetained = false,
): { readonly bytes: Buffer; readonly idAt: number; readonly payloadAt: number } {
  const first = PACKET.publish | QOS_1 | (isRetained ? RETAIN : 0);
  const bytes = packet(first, text(topic), uint16(0), NO_PROPERTIES, Buffer.from(payload));
  const payloadAt = bytes.length - payload.length;
  return { bytes, idAt: payloadAt - 3, payloadAt };
}

export function pubackPacket(id: number): Buffer {
  return packet(PACKET.puback, uint16(id));
}

export const PINGREQ = Buffer.from([0xc0, 0]);

/** One packet: its first byte, and what follows the length. */
export interface Packet {
  readonly first: number;
  readonly body: Buffer;
}

/** Divides what comes from a socket into packets. */
export class PacketReader {
  #left: Buffer = Buffer.alloc(0);

  /** Packets that are complete with these bytes; they are views of memory that is not written again. */
  *read(bytes: Buffer): Generator<Packet> {
    const all = this.#left.length === 0 ? bytes : Buffer.concat([this.#left, bytes]);
    let at = 0;
    for (;;) {
      const end = endOf(all, at);
      if (end === null || end.to > all.length) break;
      yield { first: all[at] ?? 0, body: all.subarray(end.from, end.to) };
      at = end.to;
    }
    this.#left = all.subarray(at);
  }
}

function endOf(bytes: Buffer, start: number): { readonly from: number; readonly to: number } | null {
  let length = 0;
  for (let at = start + 1, factor = 1; at < bytes.length && at <= start + 4; at += 1, factor *= 0x80) {
    const byte = bytes[at] ?? 0;
    length += (byte & 0x7f) * factor;
    if (byte < 0x80) return { from: at + 1, to: at + 1 + length };
  }
  return null;
}

/** Messages that the broker takes before it has acknowledged one, by its CONNACK; null if it refuses. */
export function readConnack(body: Buffer): number | null {
  if (body[1] !== 0) return null;
  const properties = body.subarray(3, 3 + (body[2] ?? 0));
  // of those that a broker may send, this one comes early; the others have other lengths and are not looked for
  const at = properties.indexOf(RECEIVE_MAXIMUM);
  return at < 0 || at + 2 >= properties.length ? MAX_RECEIVE : properties.readUInt16BE(at + 1);
}

/** Of a PUBLISH: topic, packet id (null with QoS 0), payload. */
export function readPublish({ first, body }: Packet): {
  readonly topic: string;
  readonly id: number | null;
  readonly payload: Buffer;
} {
  const topicEnd = 2 + body.readUInt16BE(0);
  const hasId = (first & 0x06) !== 0;
  const propertiesAt = topicEnd + (hasId ? 2 : 0);
  // a broker adds a handful of properties at most
  const payloadAt = propertiesAt + 1 + (body[propertiesAt] ?? 0);
  return {
    topic: body.toString('utf8', 2, topicEnd),
    id: hasId ? body.readUInt16BE(topicEnd) : null,
    payload: body.subarray(payloadAt),
  };
}
