import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { openApiDocument } from '../../../src/contract/fleet/openapi.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
  readonly $ref?: string;
}
interface Described {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, Content>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Content>>; readonly schemas: object };
}

/** A request as it is sent: path and headers are not what a careful client would make of them. */
export interface WildRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** An operation of the document, requests for it, and what it may answer. */
export interface FuzzedOperation {
  readonly name: string;
  readonly requests: fc.Arbitrary<WildRequest>;
  /** why an answer is not one that the document describes; null if it is */
  readonly objection: (status: number, type: string, text: string) => string | null;
}

const document = JSON.parse(JSON.stringify(openApiDocument())) as Document;
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'openapi', ...document });

const nasty = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      '0',
      '-1',
      '1e999',
      'NaN',
      '9007199254740993',
      "' or 1=1 --",
      '../..',
      '<b>',
      '__proto__',
      '%',
      '*',
    ],
    ...[
      'a\0b',
      '\ud800',
      '\u202e',
      'x'.repeat(3_000),
      '{"a":1}',
      '[]',
      'null',
      '2026-01-01T00:00:00Z',
      '"0"',
      '"1"',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer().map(String),
);
const plausible = fc.constantFrom('yard', 'r1', '1', '10', 'nobody');
const value = fc.oneof({ weight: 2, arbitrary: plausible }, { weight: 1, arbitrary: nasty });

/** As a URL has it, or as somebody who does not know how would. */
const encoded = fc
  .tuple(value, fc.integer({ min: 0, max: 19 }))
  .map(([text, kind]) =>
    kind === 0
      ? `%zz${escape(text)}`
      : kind === 1
        ? '%ff%c0'
        : encodeURIComponent(Buffer.from(text).toString('utf8')),
  );
const jsonBody = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc
    .record(
      { note: value, labels: fc.dictionary(value, value, { maxKeys: 4 }), token: value },
      { requiredKeys: [] },
    )
    .map((body) => JSON.stringify(body)),
  fc.constantFrom(
    '',
    '{',
    '{"__proto__":{"a":1}}',
    '{"note":"\\ud800"}',
    '{"mutedUntil":"2026-13-01T00:00:00Z"}',
  ),
  fc.string(),
);
/** Header values are Latin-1 without control characters, or the client does not send them. */
const headerText = value.map((text) => text.replace(/[^\x20-\x7e]/g, '?').trim());

function requestsOf(
  method: string,
  path: string,
  { parameters, requestBody }: Described,
): fc.Arbitrary<WildRequest> {
  const inPath = parameters.filter((one) => one.in === 'path');
  const inQuery = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const inHeader = parameters.filter((one) => one.in === 'header').map(({ name }) => name.toLowerCase());
  const pair = fc.tuple(inQuery.length === 0 ? value : fc.constantFrom(...inQuery, 'other'), encoded);
  return fc
    .record({
      levels: fc.tuple(...inPath.map(() => encoded)),
      query: fc.array(pair, { maxLength: 3 }),
      headers: fc.tuple(...inHeader.map(() => headerText)),
      body: requestBody === undefined ? fc.constant(undefined) : jsonBody,
    })
    .map(({ levels, query, headers, body }) => {
      const filled = inPath.reduce(
        (text, { name }, at) => text.replace(`{${name}}`, () => levels[at] ?? ''),
        path,
      );
      const search = query
        .map(([name, text]) => `${encodeURIComponent(Buffer.from(name).toString('utf8'))}=${text}`)
        .join('&');
      return {
        method,
        path: search === '' ? filled : `${filled}?${search}`,
        headers: {
          ...Object.fromEntries(inHeader.map((name, at) => [name, headers[at] ?? ''])),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body,
      };
    });
}

function contentOf(answer: Content | undefined): Content['content'] {
  const name = answer?.$ref?.split('/').at(-1);
  return name === undefined ? answer?.content : document.components.responses[name]?.content;
}

/** Every operation that the OpenAPI document has. */
export function fuzzedOperations(): readonly FuzzedOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      requests: requestsOf(method.toUpperCase(), path, operation),
      objection: (status: number, type: string, text: string) => {
        const content = contentOf(operation.responses[String(status)]);
        if (content === undefined) return `${status} is not described`;
        const [kind = '', { schema } = { schema: {} }] = Object.entries(content)[0] ?? [];
        if (!type.startsWith(kind)) return `${type} instead of ${kind}`;
        if (kind !== 'application/json') return null;
        const isRight = ajv.compile(rebased(schema));
        return isRight(JSON.parse(text)) ? null : ajv.errorsText(isRight.errors);
      },
    })),
  );
}

/** References of the document, seen from a schema by itself. */
function rebased(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi#/components')) as object;
}
