/** Archives consist of blocks of this size. */
const BLOCK = 512;

export interface TarEntry {
  /** a plain file name of at most 100 ASCII characters */
  readonly name: string;
  readonly data: Uint8Array;
}

function header(name: string, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const encoder = new TextEncoder();
  const put = (text: string, at: number): void => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  put(name, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(size, 11), 124);
  put(octal(0, 11), 136);
  put(' '.repeat(8), 148);
  put('0', 156);
  put('ustar\u{0}00', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/**
 * A POSIX ustar archive, sorted by name, without owner and time, so that the same files yield the same bytes
 * everywhere. Throws RangeError if a name does not fit. Own code because the bytes are an interface: digests
 * of archives are compared over years, and node-tar 7 writes header numbers in another form, which it may
 * change again.
 */
export function makeTar(entries: readonly TarEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const blocks = (bytes: number): number => Math.ceil(bytes / BLOCK) * BLOCK;
  const total = sorted.reduce((sum, { data }) => sum + BLOCK + blocks(data.byteLength), 2 * BLOCK);
  const archive = new Uint8Array(total);
  let at = 0;
  for (const { name, data } of sorted) {
    if (!/^[\x20-\x7e]{1,100}$/.test(name)) throw new RangeError(`not a valid name for a tar entry: ${name}`);
    archive.set(header(name, data.byteLength), at);
    archive.set(data, at + BLOCK);
    at += BLOCK + blocks(data.byteLength);
  }
  return archive;
}
