import type { MessageHeader } from './header.ts';
import { CDR_LE, ENCAPSULATION_BYTES } from './encapsulation.ts';

const ENCODER = new TextEncoder();

/** Text up to its first NUL. ROS strings are C strings, and rclpy truncates there too. */
function untilNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/** UTF-8 bytes with the terminating NUL, encoded once for strings that are written repeatedly (labels). */
export function encodeCdrText(text: string): Uint8Array {
  return ENCODER.encode(`${untilNul(text)}\0`);
}

/**
 * Writes little-endian plain CDR (XCDR1) into a buffer that grows as needed and is reused for the next
 * message. Padding is always zero, so equal messages have equal bytes. `begin`, then the fields in order,
 * then `finish`.
 */
export class CdrWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #offset = ENCAPSULATION_BYTES;

  constructor(initialBytes = 1024) {
    this.#bytes = new Uint8Array(Math.max(initialBytes, ENCAPSULATION_BYTES));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Starts a message. The view of the previous message becomes invalid. */
  begin(): this {
    this.#view.setUint16(0, CDR_LE, false);
    this.#view.setUint16(2, 0, false);
    this.#offset = ENCAPSULATION_BYTES;
    return this;
  }

  /** The message as a view of the writer's buffer, valid until the next `begin`. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#offset);
  }

  uint8(value: number): void {
    // In two statements, here and below: claiming may replace the buffer.
    const at = this.#claim(1, 1);
    this.#bytes[at] = value;
  }

  uint32(value: number): void {
    const at = this.#claim(4, 4);
    this.#view.setUint32(at, value, true);
  }

  int32(value: number): void {
    const at = this.#claim(4, 4);
    this.#view.setInt32(at, value, true);
  }

  float32(value: number): void {
    const at = this.#claim(4, 4);
    this.#view.setFloat32(at, value, true);
  }

  float64(value: number): void {
    const at = this.#claim(8, 8);
    this.#view.setFloat64(at, value, true);
  }

  /** A string. Text after a NUL is dropped. */
  string(text: string): void {
    const kept = untilNul(text);
    this.uint32(0);
    const lengthAt = this.#offset - 4;
    // A UTF-16 unit takes at most 3 bytes of UTF-8.
    this.#ensure(kept.length * 3 + 1);
    const { written } = ENCODER.encodeInto(kept, this.#bytes.subarray(this.#offset));
    this.#offset += written;
    this.uint8(0);
    this.#view.setUint32(lengthAt, written + 1, true);
  }

  /** A string that `encodeCdrText` encoded. */
  encodedText(text: Uint8Array): void {
    this.uint32(text.length);
    this.raw(text, 1);
  }

  /** Bytes that are already serialized, at the alignment that they need. */
  raw(bytes: Uint8Array, alignment: 1 | 4 | 8): void {
    const at = this.#claim(bytes.length, alignment);
    this.#bytes.set(bytes, at);
  }

  /**
   * A sequence of `length` bytes that the caller fills through the view before the next write. The view may
   * contain stale bytes.
   */
  reserveByteSequence(length: number): Uint8Array<ArrayBuffer> {
    this.uint32(length);
    const at = this.#claim(length, 1);
    return this.#bytes.subarray(at, at + length);
  }

  /** `std_msgs/msg/Header`. */
  header(header: MessageHeader): void {
    this.int32(header.stamp.sec);
    this.uint32(header.stamp.nanosec);
    this.string(header.frameId);
  }

  /** Pads with zeros to the alignment (relative to the end of the encapsulation header) and claims `size` bytes. */
  #claim(size: number, alignment: number): number {
    const misaligned = (this.#offset - ENCAPSULATION_BYTES) % alignment;
    const padding = misaligned === 0 ? 0 : alignment - misaligned;
    this.#ensure(padding + size);
    const at = this.#offset + padding;
    for (let i = this.#offset; i < at; i++) this.#bytes[i] = 0;
    this.#offset = at + size;
    return at;
  }

  #ensure(more: number): void {
    const needed = this.#offset + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#offset));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
