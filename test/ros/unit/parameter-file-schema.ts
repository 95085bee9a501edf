import type { ParameterSpec, ParameterTable } from '../../../src/contract/parameters.ts';

/** A JSON schema for parameter files with sections for nodes that have these parameters (draft 2020-12). */
export function parameterFileSchema(title: string, table: ParameterTable): object {
  const properties = Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, schemaOf(spec)]));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    type: 'object',
    minProperties: 1,
    additionalProperties: { $ref: '#/$defs/node' },
    $defs: {
      node: {
        type: 'object',
        required: ['ros__parameters'],
        additionalProperties: false,
        properties: {
          ros__parameters: {
            type: 'object',
            additionalProperties: false,
            properties: {
              use_sim_time: { type: 'boolean', description: 'Take the time from /clock.' },
              ...properties,
            },
          },
        },
      },
    },
  };
}

function schemaOf(spec: ParameterSpec): object {
  const { description } = spec;
  switch (spec.kind) {
    case 'bool':
      return { type: 'boolean', description, default: spec.default };
    case 'int':
    case 'double': {
      const type = spec.kind === 'int' ? 'integer' : 'number';
      const range = { type, minimum: spec.min, maximum: spec.max };
      if (spec.words === undefined) return { ...range, description, default: spec.default };
      return { anyOf: [range, { enum: Object.keys(spec.words) }], description, default: spec.default };
    }
    case 'string':
      return { type: 'string', description, default: spec.default, ...wordsOf(spec) };
    case 'string[]':
      return {
        type: 'array',
        description,
        default: spec.default,
        ...(spec.entries === undefined ? {} : { maxItems: spec.entries.max }),
        items: { type: 'string', ...wordsOf(spec), ...patternOf(spec) },
      };
  }
}

function patternOf({ entries }: { readonly entries?: { readonly pattern: string } }): object {
  return entries === undefined ? {} : { pattern: entries.pattern };
}

function wordsOf({ oneOf }: { readonly oneOf?: readonly string[] }): object {
  return oneOf === undefined ? {} : { enum: oneOf };
}
