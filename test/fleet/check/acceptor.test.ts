import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { createRandom } from '../../../src/core/random.ts';
import { acceptorOf } from '../../../src/fleet/check/acceptor.ts';
import {
  makeTemplate,
  payloadFrom,
  simulatedMetrics,
  simulatedState,
} from '../../../src/tools/load/payloads.ts';

const ORIGIN = {
  site: 'yard',
  robot: 'r1',
  node: 'detector',
  bootId: '5e5f4d7e-3a5c-4c3e-9d86-0f6f3c1b2a19',
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Paths to all values in a value. */
function pathsOf(value: Json, path: readonly (string | number)[] = []): (string | number)[][] {
  const inside = Array.isArray(value)
    ? value.flatMap((one, at) => pathsOf(one, [...path, at]))
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...path, key]))
      : [];
  return [[...path], ...inside];
}

/** A copy with another value at a path, or without it. */
function changed(value: Json, path: readonly (string | number)[], to: Json | undefined): Json {
  const [first, ...rest] = path;
  if (first === undefined) return to ?? null;
  const copy = structuredClone(value) as Record<string | number, Json>;
  if (rest.length === 0 && to === undefined) {
    if (Array.isArray(copy)) copy.splice(Number(first), 1);
    else Reflect.deleteProperty(copy, first);
  } else copy[first] = changed(copy[first] ?? null, rest, to);
  return copy;
}

/** What is near the edge of something, and anything. */
const values = fc.oneof(
  fc.constantFrom<Json>(
    -1,
    0.5,
    2 ** 53,
    -0,
    1e308,
    '',
    '2026-02-30T00:00:00.000Z',
    '2026-01-01T00:00:00Z',
    'x'.repeat(65),
    '😀'.repeat(33),
    'A.b',
    {},
    [],
    null,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue().map((one) => one as Json),
);

describe.each([
  ['metrics', simulatedMetrics(createRandom(1), Date.now())],
  ['state', simulatedState(createRandom(1))],
] as const)('the quick check of %s', (stream, body) => {
  const schema = payloadSchemaOf(stream);
  const accepts = acceptorOf(schema);
  const good = JSON.parse(
    payloadFrom(makeTemplate(ORIGIN, stream, body), 7, new Date().toISOString()),
  ) as Json;

  it('accepts what robots send, with fields that it does not know', () => {
    expect(accepts(good)).toBe(true);
    expect(accepts({ ...(good as object), new: [1] })).toBe(true);
  });

  it('accepts nothing that the schema refuses', () => {
    const paths = pathsOf(good);
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.option(values, { nil: undefined }), (path, to) => {
        const value = changed(good, path, to);
        if (!schema.safeParse(value).success) {
          refused += 1;
          expect(accepts(value)).toBe(false);
        }
      }),
      { numRuns: 3_000 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});
