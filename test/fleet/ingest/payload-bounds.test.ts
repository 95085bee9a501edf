import { describe, expect, it } from 'vitest';
import type { StoredStream } from '../../../src/contract/telemetry/streams.ts';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { readPayload } from '../../../src/fleet/check/read-message.ts';
import { checkMessage } from '../../../src/fleet/ingest/check-message.ts';
import { driftsOf } from '../../../src/fleet/rollup/of-drift.ts';
import {
  CHUNK_BOUNDS,
  CLIP_BOUNDS,
  DRIFT_BOUNDS,
  REQUEST_BOUNDS,
  type Bound,
} from '../support/payload-bounds.ts';
import { BOOT, received } from './messages.ts';

const HEADER = {
  ...{ headerId: 4, timestamp: '2026-01-01T10:01:00.000Z', version: '1.4.0', manufacturer: 'Goshawk' },
  ...{ serialNumber: 'r1', node: 'detector', bootId: BOOT },
};

/** JSON has no infinity: what is beyond the largest double is read as one. */
const write = (body: object): string =>
  JSON.stringify({ ...HEADER, ...body }, (_key, value: unknown) =>
    value === Infinity ? '\u221e' : value,
  ).replace('"\u221e"', '1e999');

const stored: [StoredStream, string, Bound<object>][] = [
  ...Object.entries(DRIFT_BOUNDS).map(([name, bound]): [StoredStream, string, Bound<object>] => [
    'drift',
    name,
    bound,
  ]),
  ...Object.entries(CLIP_BOUNDS).map(([name, bound]): [StoredStream, string, Bound<object>] => [
    'clip',
    name,
    bound,
  ]),
];

describe('the fleet', () => {
  it.each(stored)(
    'takes %s at its bound, and refuses by schema what is beyond: %s',
    (stream, _name, bound) => {
      const of = (body: object) => checkMessage(received(`fleet/v1/yard/r1/detector/${stream}`, write(body)));
      expect(of(bound.at)).toMatchObject({ message: { stream, firstId: 4, lastId: 4 } });
      // its numbers are known, so it goes into quarantine and its robot sends it no more
      expect(of(bound.beyond)).toMatchObject({
        refusal: { reason: 'schema', identity: { stream, lastId: 4 } },
      });
    },
  );

  it.each(Object.entries(DRIFT_BOUNDS))('makes rollups of what it takes: %s', (_name, { at }) => {
    expect(driftsOf(at)).toHaveLength(at.cameras.length);
  });

  it.each(Object.entries(CHUNK_BOUNDS))(
    'takes a piece of a clip up to its bounds: %s',
    (_name, { at, beyond }) => {
      const rules = { schema: payloadSchemaOf('clip-chunk'), maxBytes: 128 << 10 };
      const sender = { site: 'yard', robot: 'r1', node: 'detector' };
      const read = (body: object) => readPayload(rules, { sender, payload: Buffer.from(write(body)) });
      expect(read(at).body).toMatchObject(at);
      expect(() => read(beyond)).toThrow(expect.objectContaining({ reason: 'schema' }) as Error);
    },
  );
});

describe('a robot', () => {
  it.each(Object.entries(REQUEST_BOUNDS))('takes a request for a clip up to its bounds: %s', (_name, one) => {
    const schema = payloadSchemaOf('clip-request');
    expect(schema.safeParse(JSON.parse(write(one.at))).data).toMatchObject(one.at);
    expect(schema.safeParse(JSON.parse(write(one.beyond))).success).toBe(false);
  });
});
