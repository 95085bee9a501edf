import { z } from 'zod';
import { describeError, GoshawkError } from '../errors.ts';
import { TOKEN_COOKIE } from './access.ts';
import { FLEET_PATHS } from './api.ts';
import { liveEventSchema } from './live.ts';
import {
  COMMON_FAILURES,
  FAILURES,
  FLEET_OPERATIONS,
  type FailureStatus,
  type FleetOperation,
} from './operations.ts';

const DESCRIPTION =
  'What the fleet knows of its robots, and what operators keep about them. Requests carry a token ' +
  '("goshawk fleet token create"), unless the fleet listens on the loopback address and none was made yet. ' +
  'Failures are JSON with one member, "error": a stable code, a colon, and words.';

/** The OpenAPI 3.1 document of the fleet's API, generated from its schemas. */
export function openApiDocument(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Goshawk fleet',
      version: '1.2.0',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { cookie: [] }],
    paths: paths(),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Authorization: Bearer TOKEN' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: TOKEN_COOKIE,
          description: 'of the page, by POST /api/v1/session',
        },
      },
      schemas: {
        Error: {
          type: 'object',
          properties: { error: { type: 'string', pattern: '^GOSHAWK_[A-Z_]+: ' } },
          required: ['error'],
          additionalProperties: false,
        },
        LiveEvent: schemaOf(liveEventSchema, 'output'),
      },
      responses: Object.fromEntries(
        Object.entries(FAILURES).map(([status, description]) => [
          `Failure${status}`,
          failure(Number(status) as FailureStatus, description),
        ]),
      ),
    },
  };
}

/** Every operation, those that read robots among them, by method and path. */
function operations(): [string, FleetOperation][] {
  const reading = Object.entries(FLEET_PATHS).map(([path, row]): [string, FleetOperation] => [
    `GET ${path}`,
    { ...row, role: 'viewer', body: null, failures: isBounded(path) ? [404, 503] : [404] },
  ]);
  return [...reading, ...Object.entries<FleetOperation>(FLEET_OPERATIONS)];
}

/** Of these questions, few are worked on at once. */
const isBounded = (path: string): boolean => /\/(?:drift|triage)$/.test(path);

function paths(): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, operation] of operations()) {
    const [method = '', path = ''] = name.split(' ');
    (paths[path] ??= {})[method.toLowerCase()] = { operationId: idOf(method, path), ...describe(operation) };
  }
  return paths;
}

function describe(operation: FleetOperation): object {
  const { summary, role, params, query, body, headers = {}, failures, example } = operation;
  const statuses = [
    ...new Set<FailureStatus>([...COMMON_FAILURES, ...failures, ...formFailures(operation)]),
  ].sort((a, b) => a - b);
  return {
    summary,
    ...(role === null ? { security: [] } : { description: `For the role ${role}, and those above it.` }),
    parameters: [
      ...parametersOf('path', params),
      ...parametersOf('query', query),
      ...Object.entries(headers).map(([name, one]) => ({
        name,
        in: 'header',
        ...one,
        schema: { type: 'string' },
      })),
    ],
    ...(body === null
      ? {}
      : { requestBody: { required: true, content: contentOf(schemaOf(body, 'input'), example) } }),
    responses: {
      ...answersOf(operation),
      ...Object.fromEntries(
        statuses.map((status) => [status, { $ref: `#/components/responses/Failure${status}` }]),
      ),
    },
  };
}

/** Failures that come with a path that has parameters, and with a body. */
function formFailures({ params, body }: FleetOperation): FailureStatus[] {
  return [
    ...(Object.keys(params.shape).length === 0 ? [] : [414 as const]),
    ...(body === null ? [] : ([413, 415] as const)),
  ];
}

function answersOf(operation: FleetOperation): Record<number, object> {
  if (operation.isFile !== true) return { 200: answerOf(operation) };
  const header = (description: string): object => ({ description, schema: { type: 'string' } });
  const headers = {
    ETag: header('of this file, for If-Range and If-None-Match'),
    'Accept-Ranges': header('bytes'),
  };
  const sent = {
    ...headers,
    'Content-Length': header('of what is sent'),
    'Content-Disposition': header('the name of the file'),
    'Repr-Digest': header('SHA-256 of the whole file, in Base64, as RFC 9530 has it'),
  };
  // bytes have no schema
  const content = { [operation.type ?? 'application/octet-stream']: {} };
  const range = { 'Content-Range': header('which bytes, and of how many') };
  return {
    200: { description: 'the whole file', headers: sent, content },
    206: { description: 'the range that was asked for', headers: { ...sent, ...range }, content },
    304: { description: 'the file is here already', headers },
  };
}

function answerOf({ answer, type, hasEtag }: FleetOperation): object {
  const description = 'what was asked for';
  if (answer === null)
    return { description, content: { [type ?? 'text/plain']: { schema: { type: 'string' } } } };
  const headers = { ETag: { description: 'of this version, for If-Match', schema: { type: 'string' } } };
  return {
    description,
    ...(hasEtag === true ? { headers } : {}),
    content: contentOf(schemaOf(answer, 'output')),
  };
}

/** `getRobotsSiteRobot` */
function idOf(method: string, path: string): string {
  const words = path.replace('/api/v1', '').match(/\w+/g) ?? [];
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject): object[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as z.core.JSONSchema.ObjectSchema;
  return Object.entries(properties).map(([name, one]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: one,
  }));
}

/** What a failure looks like. */
const EXAMPLES: Readonly<Record<FailureStatus, GoshawkError>> = {
  400: new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name: 'limit', value: '"0"', reason: 'Too small' }),
  401: new GoshawkError('GOSHAWK_TOKEN_MISSING'),
  403: new GoshawkError('GOSHAWK_ROLE_REFUSED', { needed: 'operator', role: 'viewer' }),
  404: new GoshawkError('GOSHAWK_ROBOT_UNKNOWN', { robot: 'r7' }),
  409: new GoshawkError('GOSHAWK_ROBOT_ACTIVE', { robot: 'r7' }),
  412: new GoshawkError('GOSHAWK_EDIT_CONFLICT', { robot: 'r7' }),
  413: new GoshawkError('GOSHAWK_REQUEST_INVALID', { reason: 'Request body is too large' }),
  414: new GoshawkError('GOSHAWK_REQUEST_INVALID', { reason: 'a parameter is too long' }),
  415: new GoshawkError('GOSHAWK_REQUEST_INVALID', { reason: 'Unsupported Media Type' }),
  416: new GoshawkError('GOSHAWK_RANGE_REFUSED', { clip: '20261126T185011Z-manual-0a1b2c', bytes: 1000 }),
  428: new GoshawkError('GOSHAWK_ETAG_MISSING'),
  429: new GoshawkError('GOSHAWK_TOO_MANY_REQUESTS', { what: 'requests', seconds: 1 }),
  500: new GoshawkError('GOSHAWK_DATABASE_UNREACHABLE', {
    database: 'postgresql://db.example/fleet',
    reason: 'connect ECONNREFUSED',
  }),
  503: new GoshawkError('GOSHAWK_STREAMS_TAKEN', { seconds: 30 }),
};

function failure(status: FailureStatus, description: string): object {
  const example = EXAMPLES[status];
  const header =
    status === 401 ? 'WWW-Authenticate' : status === 429 || status === 503 ? 'Retry-After' : null;
  const headers = header === null ? {} : { headers: { [header]: { schema: { type: 'string' } } } };
  return {
    description,
    ...headers,
    content: contentOf({ $ref: '#/components/schemas/Error' }, { error: describeError(example) }),
  };
}

function contentOf(schema: object, example?: object): object {
  return { 'application/json': { schema, ...(example === undefined ? {} : { example }) } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const entries = Object.entries(z.toJSONSchema(schema, { io }));
  return Object.fromEntries(entries.filter(([key]) => key !== '$schema'));
}
