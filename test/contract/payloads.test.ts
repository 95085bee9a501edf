import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import { compare } from 'semver';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PAYLOAD_VERSION } from '../../src/contract/telemetry/header.ts';
import { historySchema } from '../../src/contract/telemetry/history.ts';
import { bodySchemaOf, payloadSchemaOf } from '../../src/contract/telemetry/payloads.ts';
import { STREAM_NAMES, type Stream } from '../../src/contract/telemetry/streams.ts';
import { payloadJsonSchema } from './payloads/json-schema.ts';

const KEPT = join(import.meta.dirname, 'payloads');

const VERSIONS = readdirSync(KEPT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort(compare);

/**
 * Where versions before the first release are not compatible with those after them.
 * - 1.0.0 had topics and headers without a node: today nobody subscribes to its topics, only its bodies are read.
 * - 1.0.0 and 1.1.0 declared gaps in `metrics`, where their readers require them; since 1.2.0 they are a stream.
 */
const HAS_NO_NODE = new Set(['1.0.0']);
const REQUIRES_GAPS = new Set(['1.0.0', '1.1.0']);

const fileOf = (version: string, name: string): string => join(KEPT, version, name);

const read = (version: string, name: string): unknown =>
  JSON.parse(readFileSync(fileOf(version, name), 'utf8'));

const messagesOf = (version: string, stream: Stream): readonly object[] =>
  z
    .array(z.looseObject({}))
    .or(z.array(z.array(z.looseObject({}))))
    .parse(read(version, `${stream}.json`));

const streamsOf = (version: string): Stream[] =>
  STREAM_NAMES.filter((stream) => existsSync(fileOf(version, `${stream}.json`)));

function readerOf(version: string, stream: Stream): z.ZodType {
  if (stream === 'history') return historySchema;
  return HAS_NO_NODE.has(version) ? bodySchemaOf(stream) : payloadSchemaOf(stream);
}

const pairs = VERSIONS.flatMap((version) => streamsOf(version).map((stream) => [version, stream] as const));

/** A reader of an earlier version, which ignores fields that it does not know. */
function oldReader(version: string, stream: Stream): (message: object) => string | null {
  const ajv = new Ajv2020({ removeAdditional: true, strict: false, validateFormats: false });
  const check = ajv.compile(read(version, `${stream}.schema.json`) as AnySchema);
  return (message) => (check(structuredClone(message)) ? null : ajv.errorsText(check.errors));
}

describe('payloads of every version', () => {
  it.each(pairs)('of %s %s can be read today', (version, stream) => {
    for (const message of messagesOf(version, stream))
      expect(readerOf(version, stream).safeParse(message).error?.issues ?? []).toEqual([]);
  });

  it.each(pairs)('of today can be read by a reader of %s %s', (version, stream) => {
    const reader = oldReader(version, stream);
    for (const message of messagesOf(PAYLOAD_VERSION, stream)) {
      const isWithout = stream === 'metrics' && REQUIRES_GAPS.has(version);
      if (isWithout) expect(reader(message)).toBe("data must have required property 'gaps'");
      expect(reader(isWithout ? { ...message, gaps: {} } : message)).toBeNull();
    }
  });

  it('were kept under the version that is in their headers', () => {
    for (const [version, stream] of pairs.filter(([, stream]) => stream !== 'history'))
      for (const message of messagesOf(version, stream)) expect(message).toMatchObject({ version });
  });
});

describe(`payloads of the current version, ${PAYLOAD_VERSION}`, () => {
  const advice =
    'readers of this version exist: raise PAYLOAD_VERSION (src/contract/telemetry/header.ts), then run ' +
    '"node test/contract/payloads/keep.ts"';

  it('are kept for every stream, and none of a later version are', () => {
    expect(VERSIONS.at(-1)).toBe(PAYLOAD_VERSION);
    expect(streamsOf(PAYLOAD_VERSION)).toEqual(STREAM_NAMES);
  });

  it.each(STREAM_NAMES)('have the schema with which they were kept: %s', (stream) => {
    expect(payloadJsonSchema(stream), advice).toEqual(read(PAYLOAD_VERSION, `${stream}.schema.json`));
  });

  it('may have fields that a reader does not know, everywhere', () => {
    for (const stream of STREAM_NAMES)
      expect(JSON.stringify(payloadJsonSchema(stream))).not.toContain('"additionalProperties":false');
  });
});
