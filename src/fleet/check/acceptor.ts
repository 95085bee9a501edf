import { Ajv } from 'ajv';
import { z } from 'zod';

/** Whether a value has the shape of a schema. */
export type Acceptor = (value: unknown) => boolean;

/**
 * A check that takes a fraction of the time of the schema's own, and copies nothing. It accepts nothing that the schema
 * refuses; the schema has the last word on what it does not accept, and the words. Only for schemas without
 * refinements, which JSON Schema does not have.
 */
export function acceptorOf(schema: z.ZodType): Acceptor {
  // Lengths count UTF-16 units, as in zod; formats come with their patterns.
  const ajv = new Ajv({
    unicode: false,
    unicodeRegExp: false,
    validateFormats: false,
    strict: false,
    logger: false,
  });
  return ajv.compile(z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }));
}
