const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Text of `bytes[start, end)`; `undefined` if it is not UTF-8 or contains a NUL. ASCII, which covers nearly
 * every frame id and encoding, takes a path without the decoder; only other text can cost an exception.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  let ascii = true;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === 0) return undefined;
    if (byte > 0x7f) ascii = false;
    else if (ascii) text += String.fromCharCode(byte);
  }
  if (ascii) return text;
  try {
    return STRICT.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}
