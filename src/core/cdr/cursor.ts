import { refuse, type Refusal, type RefusalReason } from '../refusal.ts';
import { CDR_BE, CDR_LE, ENCAPSULATION_BYTES, foreignRepresentation } from './encapsulation.ts';
import { decodeUtf8 } from './utf8.ts';

const NOTHING = new Uint8Array(0);

/**
 * Reads plain CDR (XCDR1) of either byte order and checks each length against the remaining bytes. The first
 * problem sticks: from then on every read returns zero or an empty value, so a parser reads all its fields
 * and checks once at the end. A cursor is created once and reopened for each message. It never throws and
 * never copies pixels.
 *
 * The `field` arguments only appear in the text of a refusal.
 */
export class CdrCursor {
  #bytes: Uint8Array = NOTHING;
  #offset = 0;
  #littleEndian = true;
  #reason: RefusalReason | undefined;
  #detail = '';
  readonly #scratch = new DataView(new ArrayBuffer(8));

  /** Starts on a serialized message, encapsulation header first. */
  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#offset = ENCAPSULATION_BYTES;
    this.#reason = undefined;
    this.#detail = '';
    if (bytes.length < ENCAPSULATION_BYTES) {
      this.fail(
        'malformed',
        `${bytes.length} bytes are not enough for the ${ENCAPSULATION_BYTES}-byte CDR header`,
      );
      return;
    }
    const id = (bytes[0]! << 8) | bytes[1]!;
    if (id === CDR_LE || id === CDR_BE) {
      this.#littleEndian = id === CDR_LE;
      return;
    }
    const hex = `0x${id.toString(16).padStart(4, '0')}`;
    const foreign = foreignRepresentation(id);
    if (foreign === undefined) this.fail('malformed', `the encapsulation id ${hex} is not defined`);
    else
      this.fail(
        'unsupported_encoding',
        `representation ${foreign}, id ${hex}, is not supported: send plain CDR (XCDR1)`,
      );
  }

  /** Releases the message, so that a long-lived cursor does not keep a frame in memory. */
  close(): void {
    this.#bytes = NOTHING;
  }

  /** Records a problem; only the first one counts. */
  fail(reason: RefusalReason, detail: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#detail = detail;
  }

  /** True once a problem was recorded. */
  get failed(): boolean {
    return this.#reason !== undefined;
  }

  /** The refusal for the first problem, `undefined` if there was none. */
  refusal(): Refusal | undefined {
    return this.#reason === undefined ? undefined : refuse(this.#reason, this.#detail);
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  uint8(field: string): number {
    const at = this.#take(1, 1, field);
    return at < 0 ? 0 : this.#bytes[at]!;
  }

  uint32(field: string): number {
    const at = this.#take(4, 4, field);
    if (at < 0) return 0;
    const b = this.#bytes;
    return this.#littleEndian
      ? (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0
      : ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;
  }

  int32(field: string): number {
    return this.uint32(field) | 0;
  }

  float64(field: string): number {
    const at = this.#take(8, 8, field);
    if (at < 0) return 0;
    for (let i = 0; i < 8; i++) this.#scratch.setUint8(i, this.#bytes[at + i]!);
    return this.#scratch.getFloat64(0, this.#littleEndian);
  }

  /**
   * A string: the length including the terminating NUL, the bytes, the NUL. A length of 0 is read as the
   * empty string, as Fast-CDR does. A missing NUL, an embedded NUL and bytes that are not UTF-8 are refused,
   * because such a string cannot be passed on unchanged.
   */
  string(field: string): string {
    const length = this.uint32(field);
    if (this.failed || length === 0) return '';
    const at = this.#take(length, 1, field);
    if (at < 0) return '';
    const end = at + length - 1;
    if (this.#bytes[end] !== 0) {
      this.fail('malformed', `${field} does not end with NUL`);
      return '';
    }
    const text = decodeUtf8(this.#bytes, at, end);
    if (text === undefined) {
      this.fail('malformed', `${field} is not UTF-8 text without NUL`);
      return '';
    }
    return text;
  }

  /** A sequence of bytes as a view of the message. */
  byteSequence(field: string): Uint8Array {
    const length = this.uint32(field);
    const at = this.#take(length, 1, field);
    // A plain Uint8Array even if the message is a Buffer, whose `slice` and other methods behave differently.
    return at < 0 ? NOTHING : new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  /**
   * Length of a sequence whose elements take at least `minElementBytes`. A count that does not fit the
   * message is refused, so that a bogus count cannot make a loop run four billion times.
   */
  sequenceLength(minElementBytes: number, field: string): number {
    const length = this.uint32(field);
    if (this.failed) return 0;
    if (length * minElementBytes > this.remaining) {
      this.fail('malformed', `${field} claims ${length} elements, but ${this.remaining} bytes remain`);
      return 0;
    }
    return length;
  }

  /**
   * Aligns (relative to the end of the encapsulation header), claims `size` bytes, and returns their offset,
   * or -1.
   */
  #take(size: number, alignment: number, field: string): number {
    if (this.#reason !== undefined) return -1;
    const misaligned = (this.#offset - ENCAPSULATION_BYTES) % alignment;
    const at = misaligned === 0 ? this.#offset : this.#offset + alignment - misaligned;
    if (at + size > this.#bytes.length) {
      const left = Math.max(0, this.#bytes.length - at);
      this.fail('malformed', `${field} needs ${size} bytes, but ${left} remain`);
      return -1;
    }
    this.#offset = at + size;
    return at;
  }
}
