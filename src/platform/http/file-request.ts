import type { IncomingHttpHeaders } from 'node:http';
import type { ByteRange } from '../file-part.ts';

/** A file as a server has it. */
export interface ServedFile {
  readonly bytes: number;
  /** strong, with its quotes: other bytes have another one */
  readonly etag: string;
}

/** What a request for a file gets. */
export interface FilePlan {
  /** 304: the client has it; 416: it asks for none of its bytes */
  readonly status: 200 | 206 | 304 | 416;
  /** null: none of it */
  readonly range: ByteRange | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Reads the headers of a request for a file as RFC 9110 has them: `If-None-Match`, `If-Range` and `Range`. A range that
 * it does not know, or several of them, is answered with the whole file, as it allows.
 */
export function planFile(headers: IncomingHttpHeaders, { bytes, etag }: ServedFile): FilePlan {
  const shared = { etag, 'accept-ranges': 'bytes' };
  if (isKnown(headers['if-none-match'], etag)) return { status: 304, range: null, headers: shared };
  // a date never fits, since none is told
  const isSame = String(headers['if-range'] ?? etag).trim() === etag;
  const range = isSame ? rangeOf(headers.range, bytes) : null;
  if (range === 'none')
    return { status: 416, range: null, headers: { ...shared, 'content-range': `bytes */${String(bytes)}` } };
  const { start, length } = range ?? { start: 0, length: bytes };
  const sent = { ...shared, 'content-length': String(length) };
  if (range === null) return { status: 200, range: length === 0 ? null : { start, length }, headers: sent };
  const place = `bytes ${String(start)}-${String(start + length - 1)}/${String(bytes)}`;
  return { status: 206, range, headers: { ...sent, 'content-range': place } };
}

/** Whether `If-None-Match` names a file, which may also be weakly. */
function isKnown(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** `bytes=0-99`, `bytes=100-` or `bytes=-100`. Null: the whole file; `none`: no byte that it has. */
function rangeOf(header: string | undefined, size: number): ByteRange | 'none' | null {
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? [];
  if (first === '' && last === '') return null;
  if (first === '') return between(size - Math.min(size, Number(last)), size, size);
  if (last === '') return between(Number(first), size, size);
  return Number(last) < Number(first) ? null : between(Number(first), Number(last) + 1, size);
}

function between(start: number, end: number, size: number): ByteRange | 'none' {
  return start >= size ? 'none' : { start, length: Math.min(end, size) - start };
}
