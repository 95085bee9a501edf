import { describe, expect, it } from 'vitest';
import { planFile } from '../../../src/platform/http/file-request.ts';

const FILE = { bytes: 1_000, etag: '"abc"' };
const WHOLE = { status: 200, range: { start: 0, length: 1_000 } };
const part = (start: number, length: number) => ({ status: 206, range: { start, length } });
const NONE = { status: 416, range: null };

describe('a request for a file', () => {
  it.each([
    [undefined, WHOLE],
    ['bytes=0-', part(0, 1_000)],
    ['bytes=0-0', part(0, 1)],
    ['bytes=10-19', part(10, 10)],
    ['bytes=999-', part(999, 1)],
    ['bytes=990-5000', part(990, 10)],
    [`bytes=990-${'9'.repeat(400)}`, part(990, 10)],
    ['bytes=-1', part(999, 1)],
    ['bytes=-5000', part(0, 1_000)],
    ['Bytes= 1-2 ', part(1, 2)],
    ['bytes=1000-', NONE],
    [`bytes=${'9'.repeat(400)}-`, NONE],
    ['bytes=-0', NONE],
    // not understood, or not a range: as if there were none
    ['bytes=5-4', WHOLE],
    ['bytes=-', WHOLE],
    ['bytes=0-1,5-6', WHOLE],
    ['bytes=a-b', WHOLE],
    ['bytes=-1-2', WHOLE],
    ['lines=1-2', WHOLE],
    ['', WHOLE],
  ])('with Range %j is answered with %j', (range, expected) => {
    const { status, range: given, headers } = planFile({ range }, FILE);
    expect({ status, range: given }).toEqual(expected);
    expect(headers).toMatchObject({ etag: '"abc"', 'accept-ranges': 'bytes' });
    const length = given === null ? undefined : String(given.length);
    expect(headers['content-length']).toBe(length);
    const place =
      status === 206 && given !== null
        ? `bytes ${String(given.start)}-${String(given.start + given.length - 1)}/1000`
        : status === 416
          ? 'bytes */1000'
          : undefined;
    expect(headers['content-range']).toBe(place);
  });

  it('goes on only with the file of which a part is here', () => {
    const range = 'bytes=10-';
    expect(planFile({ range, 'if-range': '"abc"' }, FILE).status).toBe(206);
    for (const other of ['"other"', 'W/"abc"', 'Thu, 26 Nov 2026 18:00:00 GMT'])
      expect(planFile({ range, 'if-range': other }, FILE)).toMatchObject(WHOLE);
  });

  it('gets nothing where all of it is here', () => {
    for (const tags of ['"abc"', '"x", "abc"', 'W/"abc"', '*'])
      expect(planFile({ 'if-none-match': tags, range: 'bytes=5000-' }, FILE)).toMatchObject({
        status: 304,
        range: null,
      });
    expect(planFile({ 'if-none-match': '"x"' }, FILE)).toMatchObject(WHOLE);
  });

  it('has no range of an empty file', () => {
    expect(planFile({}, { bytes: 0, etag: '"abc"' })).toMatchObject({ status: 200, range: null });
    expect(planFile({ range: 'bytes=0-' }, { bytes: 0, etag: '"abc"' })).toMatchObject(NONE);
  });
});
