import type { DescMessage } from '@bufbuild/protobuf';
import { ModelSchema } from './schema.ts';

/**
 * Maximum number of fields in all messages. Each becomes an object of some hundred bytes. The largest
 * detectors have a tenth of this.
 */
const MAX_FIELDS = 1_000_000;

/** Maximum nesting of messages: bodies of loops and branches, and their contents. */
const MAX_LEVELS = 60;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/**
 * Counts the fields of an ONNX file without creating objects: a small file of empty messages would take a
 * hundred times its size once parsed. Throws if there are too many fields, if they are nested too deeply, or
 * if the file is truncated.
 */
export function checkFields(bytes: Uint8Array): void {
  const scan = { bytes, at: 0, left: MAX_FIELDS };
  scanMessage(scan, bytes.byteLength, ModelSchema, 0);
}

interface Scan {
  readonly bytes: Uint8Array;
  at: number;
  left: number;
}

/** Message types of a message's fields, and the fields with packed lists of numbers. */
interface Kinds {
  readonly messages: ReadonlyMap<number, DescMessage>;
  readonly varints: ReadonlySet<number>;
}

const kindsOf = new WeakMap<DescMessage, Kinds>();

function kinds(type: DescMessage): Kinds {
  let known = kindsOf.get(type);
  if (known === undefined) {
    const messages = new Map<number, DescMessage>();
    const varints = new Set<number>();
    for (const field of type.fields) {
      const { message } = field;
      if (message !== undefined) messages.set(field.number, message);
      // 8-byte integers become separate objects
      else if (field.fieldKind === 'list' && field.listKind === 'scalar' && LONG.has(field.scalar)) {
        varints.add(field.number);
      }
    }
    known = { messages, varints };
    kindsOf.set(type, known);
  }
  return known;
}

/** Scalar types whose values are bigint: int64, uint64. */
const LONG = new Set<number>([3, 4]);

function scanMessage(scan: Scan, end: number, type: DescMessage, level: number): void {
  if (level > MAX_LEVELS) throw new Error(`it is nested deeper than ${MAX_LEVELS} messages`);
  const { messages, varints } = kinds(type);
  while (scan.at < end) {
    spend(scan, 1);
    const tag = varint(scan);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === VARINT) varint(scan);
    else if (wire === FIXED64) scan.at += 8;
    else if (wire === FIXED32) scan.at += 4;
    else if (wire === DELIMITED) {
      const length = varint(scan);
      const stop = scan.at + length;
      if (stop > end) throw new Error('it is cut short');
      const inner = messages.get(number);
      if (inner !== undefined) scanMessage(scan, stop, inner, level + 1);
      else if (varints.has(number)) spend(scan, Math.floor(length / BIGINTS_OF_A_FIELD));
      scan.at = stop;
    } else throw new Error(`it has a field of wire type ${wire}`);
  }
  if (scan.at !== end) throw new Error('it is cut short');
}

function spend(scan: Scan, fields: number): void {
  scan.left -= fields;
  if (scan.left < 0) throw new Error(`it has more than ${MAX_FIELDS} fields, which no detector has`);
}

/** Integers of a packed list take a tenth of the memory of a field. */
const BIGINTS_OF_A_FIELD = 10;

/** A whole number of up to 10 bytes, 7 bits each. Its exact value only matters below 2^53. */
function varint(scan: Scan): number {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 10; i += 1) {
    const byte = scan.bytes[scan.at];
    if (byte === undefined) throw new Error('it is cut short');
    scan.at += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  throw new Error('it has a number that does not end');
}
