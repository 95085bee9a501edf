/** OID of jsonb in every PostgreSQL. */
const JSONB = 3_802;
/** Of the binary form of a jsonb value: text follows. */
const JSONB_VERSION = 1;
const HEADER_BYTES = 20;
const ELEMENT_HEADER_BYTES = 5;

/**
 * A parameter of type `jsonb[]` in PostgreSQL's binary form, which takes texts as they are: nothing is quoted,
 * whatever they contain.
 */
export function jsonbArray(texts: readonly Uint8Array[]): Buffer {
  const bytes = texts.reduce((sum, { length }) => sum + ELEMENT_HEADER_BYTES + length, HEADER_BYTES);
  const array = Buffer.allocUnsafe(bytes);
  // dimensions, whether there are nulls, type; of the only dimension: size, first index
  let at = array.writeInt32BE(1, 0);
  at = array.writeInt32BE(0, at);
  at = array.writeInt32BE(JSONB, at);
  at = array.writeInt32BE(texts.length, at);
  at = array.writeInt32BE(1, at);
  for (const text of texts) {
    at = array.writeInt32BE(text.length + 1, at);
    at = array.writeUInt8(JSONB_VERSION, at);
    array.set(text, at);
    at += text.length;
  }
  return array;
}
