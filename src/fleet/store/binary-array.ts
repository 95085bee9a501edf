/** OIDs, which are the same in every PostgreSQL. */
const TYPES = { json: 114, int8: 20, float8: 701 } as const;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;
/** Instead of a length. */
const NULL_LENGTH = -1;
const TWO_32 = 2 ** 32;

/**
 * A parameter of type `json[]` in PostgreSQL's binary form, which takes texts as they are: nothing is quoted,
 * whatever they contain.
 */
export function jsonArray(texts: readonly (Uint8Array | null)[]): Buffer {
  const bytes = texts.reduce((sum, text) => sum + LENGTH_BYTES + (text?.length ?? 0), HEADER_BYTES);
  const array = Buffer.allocUnsafe(bytes);
  let at = writeHeader(array, 'json', texts);
  for (const text of texts) {
    at = array.writeInt32BE(text?.length ?? NULL_LENGTH, at);
    if (text === null) continue;
    array.set(text, at);
    at += text.length;
  }
  return array;
}

/**
 * A parameter of type `int8[]` or `float8[]` in the same form: it takes longer to write numbers as text, and to read
 * that.
 * @param values for `int8`, whole numbers of up to 53 bits
 */
export function numberArray(type: 'int8' | 'float8', values: readonly (number | null)[]): Buffer {
  const array = Buffer.allocUnsafe(HEADER_BYTES + values.length * (LENGTH_BYTES + NUMBER_BYTES));
  let at = writeHeader(array, type, values);
  for (const value of values) {
    at = array.writeInt32BE(value === null ? NULL_LENGTH : NUMBER_BYTES, at);
    if (value === null) continue;
    if (type === 'float8') at = array.writeDoubleBE(value, at);
    else at = array.writeUInt32BE(value >>> 0, array.writeInt32BE(Math.floor(value / TWO_32), at));
  }
  return array.subarray(0, at);
}

/** @returns where the first element is to be written */
function writeHeader(array: Buffer, type: keyof typeof TYPES, elements: readonly unknown[]): number {
  // dimensions, whether there are nulls, type; of the only dimension: size, first index
  let at = array.writeInt32BE(1, 0);
  at = array.writeInt32BE(elements.includes(null) ? 1 : 0, at);
  at = array.writeInt32BE(TYPES[type], at);
  at = array.writeInt32BE(elements.length, at);
  return array.writeInt32BE(1, at);
}
