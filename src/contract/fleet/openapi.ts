import { z } from 'zod';
import { FLEET_PATHS } from './api.ts';

/** The OpenAPI 3.1 document of the fleet's API, generated from its schemas. */
export function openApiDocument(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Goshawk fleet',
      version: '1.0.0',
      description: 'What the fleet knows of its robots. Read only.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: Object.fromEntries(
      Object.entries(FLEET_PATHS).map(([path, { summary, params, query, answer }]) => [
        path,
        {
          get: {
            summary,
            parameters: [...parametersOf('path', params), ...parametersOf('query', query)],
            responses: {
              200: { description: 'what was asked for', content: jsonOf(z.toJSONSchema(answer)) },
              400: failure('a parameter is not valid'),
              404: failure('the fleet has received nothing from such a robot'),
              500: failure('the database does not answer, or something else failed'),
            },
          },
        },
      ]),
    ),
  };
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject): object[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).map(([name, one]) => ({
    name,
    in: place,
    required: place === 'path',
    schema: one,
  }));
}

function failure(description: string): object {
  const schema = { type: 'object', properties: { error: { type: 'string' } }, required: ['error'] };
  return { description, content: jsonOf(schema) };
}

function jsonOf(schema: object): object {
  return { 'application/json': { schema } };
}
