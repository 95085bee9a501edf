import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { payloadSchemaOf } from '../../src/contract/telemetry/payloads.ts';
import { isQuantity, quantity, withinRange } from '../../src/contract/quantities.ts';
import { STREAM_NAMES } from '../../src/contract/telemetry/streams.ts';
import { payloadJsonSchema } from './payloads/json-schema.ts';

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** Paths of all numbers of a JSON Schema, with what is missing of each: unit, lowest or highest value. */
function numbersIn(schema: unknown, path: string): { readonly path: string; readonly lacks: string[] }[] {
  if (!isNode(schema)) return [];
  const inside = Object.entries(schema).flatMap(([key, value]) => numbersIn(value, `${path}/${key}`));
  if (schema['type'] !== 'number' && schema['type'] !== 'integer') return inside;
  const { description, minimum, exclusiveMinimum, maximum } = schema;
  const isStated = {
    unit: typeof description === 'string' && description.length > 0,
    minimum: typeof (minimum ?? exclusiveMinimum) === 'number',
    maximum: typeof maximum === 'number',
  };
  const lacks = Object.entries(isStated).flatMap(([what, is]) => (is ? [] : [what]));
  return [{ path, lacks }, ...inside];
}

const lacking = (schema: unknown): string[] =>
  numbersIn(schema, '').flatMap(({ path, lacks }) =>
    lacks.length === 0 ? [] : [`${path} lacks ${lacks.join(', ')}`],
  );

describe('numbers of all streams', () => {
  it.each(STREAM_NAMES)('have a unit and a range: %s', (stream) => {
    expect(lacking(payloadJsonSchema(stream))).toEqual([]);
  });

  it('are found where they are: in lists, records, unions and tuples, and optional ones', () => {
    const bare = z.object({
      list: z.array(z.number().min(0).describe('seconds')),
      record: z.record(z.string(), z.number().max(4).describe('seconds')),
      union: z.union([z.string(), z.number().min(0).max(1)]).optional(),
      tuple: z.tuple([quantity('ratio'), z.int().nullable()]),
    });
    const paths = lacking(z.toJSONSchema(bare, { io: 'input' }));
    expect(paths).toHaveLength(4);
    expect(paths.map((path) => /^\/properties\/(\w+)/.exec(path)?.[1])).toEqual([
      'list',
      'record',
      'union',
      'tuple',
    ]);
    const streams = STREAM_NAMES.map((stream) => numbersIn(payloadJsonSchema(stream), '').length);
    expect(streams.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(100);
  });

  it('are refused outside of their ranges by the schema of a message', () => {
    const ranges: readonly (readonly [number, boolean])[] = [
      [-0.1, false],
      [0, true],
      [10_000, true],
      [10_001, false],
      [NaN, false],
      [Infinity, false],
    ];
    const fps = z.object({ in: quantity('framesPerSecond') });
    for (const [value, isRight] of ranges) {
      expect(fps.safeParse({ in: value }).success).toBe(isRight);
      expect(isQuantity('framesPerSecond', value)).toBe(isRight);
    }
    expect([isQuantity('frames', 1), isQuantity('frames', 1.5)]).toEqual([true, false]);
    expect(payloadSchemaOf('event').safeParse({ values: { x: 1e16 } }).error?.issues).toContainEqual(
      expect.objectContaining({ path: ['values', 'x'] }),
    );
  });

  it('become the end of the range that they are beyond, where a message must not be lost for one', () => {
    expect([-1, 0.5, 2, Infinity].map((value) => withinRange('ratio', value))).toEqual([0, 0.5, 1, 1]);
  });
});
