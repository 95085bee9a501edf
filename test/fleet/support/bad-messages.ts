import fc from 'fast-check';
import { packHistory } from '../../../src/platform/history-batch.ts';
import type { WrongReason } from '../../../src/fleet/check/refused.ts';

/** What may become of a message. */
export type Outcome = WrongReason | 'stored';

/** A message that nobody should send. */
export interface BadMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** one of these; null for a batch, each message of which has its own */
  readonly outcomes: readonly Outcome[] | null;
}

/** Why some of them are refused, in order; every reason that there is. */
export const BAD_REASONS: readonly WrongReason[] = [
  'database',
  'history',
  'identity',
  'json',
  'numbers',
  'schema',
  'stream',
  'text',
  'too_large',
  'topic',
  'version',
];

/** Who sends them, and who sends good ones meanwhile. */
export const BAD_ROBOT = 'bad';
export const GOOD_ROBOT = 'good';

const BOOT = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const topicOf = (stream: string, robot = BAD_ROBOT): string => `fleet/v1/yard/${robot}/detector/${stream}`;
const STATE = topicOf('state');

const HEADER = {
  timestamp: '2026-01-01T00:00:00.000Z',
  version: '1.3.0',
  manufacturer: 'Goshawk',
  serialNumber: BAD_ROBOT,
  node: 'detector',
  bootId: BOOT,
  bootCount: 0,
};
const STATE_BODY = { uptimeSeconds: 1, lifecycle: 'active', bundle: null, cameras: [], host: {} };

const MARKUP = [
  `'); drop table fleet.messages; --`,
  `' or 1=1 --`,
  '$1',
  "E'\\x'",
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '{{7*7}}',
  '%s%n',
  '../../etc/passwd',
  '\u202e',
  '\u001b[2J',
  '\r\nfleet: all is well',
  '\ufeff',
  'a'.repeat(100_000),
];
/** Raw JSON of a number, and of what some take for one. */
const NUMBERS = [
  '-1',
  '-0',
  '1.5',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '18446744073709551616',
  '1e308',
  '1e400',
  '-1e400',
  '1e-400',
  'NaN',
  'Infinity',
  '-Infinity',
  '0x10',
  '01',
  '+1',
  '1.',
  '"1"',
  'null',
  'true',
  '[]',
  '{}',
];
const DATES = [
  '9999-12-31T23:59:59.999Z',
  '0000-01-01T00:00:00.000Z',
  '0001-01-01T00:00:00.000Z',
  '1970-01-01T00:00:00.000Z',
  '2026-02-30T00:00:00.000Z',
  '2026-06-30T23:59:60.000Z',
  '+010000-01-01T00:00:00.000Z',
  '2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00.000+02:00',
  'now',
  'infinity',
  '',
];

const number = fc.nat(1_000_000);
const state = (headerId: number, more: object = {}): string =>
  JSON.stringify({ headerId, ...HEADER, ...STATE_BODY, ...more });
/** With raw JSON instead of the value of a field, or more. */
const rawState = (headerId: number, field: string, raw: string): string => {
  const whole = { headerId, ...HEADER, ...STATE_BODY, [field]: '@' };
  return JSON.stringify(whole).replace(`"${field}":"@"`, () => `"${field}":${raw}`);
};
const bad = (payload: string | Buffer, outcomes: readonly Outcome[] | null, topic = STATE): BadMessage => ({
  topic,
  payload: Buffer.from(payload as string),
  outcomes,
});

/** A Zstandard frame without its size that unpacks to so many blocks of 128 KiB of one byte. */
export function zstdBomb(blocks: number): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
  const block = (isLast: boolean): number[] => {
    const header = ((128 << 10) << 3) | (1 << 1) | (isLast ? 1 : 0);
    return [header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff, 0x20];
  };
  return Buffer.concat([
    head,
    ...Array.from({ length: blocks }, (_, at) => Buffer.from(block(at === blocks - 1))),
  ]);
}

const BOMBS = [zstdBomb(33), zstdBomb(32_000)];

/** Names of topics that no client can publish on: brokers and clients refuse them before the fleet can. */
const levels = fc.constantFrom(...MARKUP.slice(0, 8), 'r 7', '.', '', '-x', 'a'.repeat(65), '_');

const kinds: Record<string, fc.Arbitrary<BadMessage>> = {
  version: fc
    .tuple(number, fc.constantFrom('2.0.0', '0.9.0', '99', '', 'v1', '10.0.0'))
    .map(([id, version]) => bad(state(id, { version }), ['version'])),
  identity: fc
    .tuple(number, fc.constantFrom({ serialNumber: GOOD_ROBOT }, { node: 'other' }))
    .map(([id, other]) => bad(state(id, other), ['identity'])),
  foreignTopic: number.map((id) => bad(state(id), ['identity'], topicOf('state', GOOD_ROBOT))),
  numbers: number.map((id) => bad(state(id, { firstHeaderId: id + 1 }), ['numbers'])),
  truncated: fc
    .tuple(number, fc.double({ min: 0, max: 0.99, noNaN: true }))
    .map(([id, share]) => bad(state(id).slice(0, state(id).length * share), ['json'])),
  bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => bad(Buffer.from(bytes), ['json', 'schema'])),
  json: fc.json({ maxDepth: 5 }).map((text) => bad(text, ['json', 'schema'])),
  deep: fc
    .tuple(
      number,
      fc.integer({ min: 65, max: 5_000 }),
      fc.constantFrom<[string, string]>(['[', ']'], ['{"a":', '}']),
    )
    .map(([id, depth, [open, close]]) =>
      bad(rawState(id, 'more', `${open.repeat(depth)}1${close.repeat(depth)}`), ['json']),
    ),
  wide: number.map((id) => bad(state(id, { more: Array.from({ length: 5_000 }, () => ({})) }), ['stored'])),
  nul: fc
    .tuple(
      number,
      fc.constantFrom('manufacturer', 'more'),
      fc.constantFrom('"\\u0000"', '"\\ud800"', '"a\\udc00"', '"\\ud800\\ud800"'),
    )
    .map(([id, field, raw]) => bad(rawState(id, field, raw), ['text'])),
  strings: fc
    .tuple(
      number,
      fc.constantFrom(...Object.keys(HEADER), 'lifecycle', 'more', ...MARKUP),
      fc.constantFrom(...MARKUP),
    )
    .map(([id, field, text]) =>
      bad(state(id, { [field]: text }), ['stored', 'schema', 'version', 'identity']),
    ),
  figures: fc
    .tuple(
      number,
      fc.constantFrom('headerId', 'firstHeaderId', 'bootCount', 'uptimeSeconds', 'more'),
      fc.constantFrom(...NUMBERS),
    )
    .map(([id, field, raw]) => bad(rawState(id, field, raw), ['stored', 'json', 'schema', 'numbers'])),
  beyond: number.map((id) => bad(rawState(id, 'more', '1e999999'), ['database', 'stored'])),
  dates: fc
    .tuple(number, fc.constantFrom(...DATES))
    .map(([id, timestamp]) => bad(state(id, { timestamp }), ['stored', 'schema'])),
  twice: fc
    .tuple(
      number,
      fc.constantFrom('"headerId":-1', '"serialNumber":"good"', '"version":"2.0.0"', '"bootId":7'),
    )
    .map(([id, pair]) => bad(`${state(id).slice(0, -1)},${pair}}`, ['schema', 'identity', 'version'])),
  prototype: fc
    .tuple(number, fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty'))
    .map(([id, key]) => bad(rawState(id, key, '{"headerId":-1,"isAdmin":true}'), ['stored'])),
  prototypeAlone: fc
    .constantFrom('{"__proto__":{"headerId":0}}', '[{"__proto__":[]}]')
    .map((text) => bad(text, ['schema'])),
  topic: fc
    .tuple(number, levels, fc.nat(2))
    .map(([id, level, at]) =>
      bad(
        state(id),
        ['topic'],
        ['fleet/v1', ...['yard', BAD_ROBOT, 'detector'].with(at, level), 'state'].join('/'),
      ),
    ),
  stream: fc
    .tuple(number, fc.constantFrom('unheard-of', 'ack', 'constructor'))
    .map(([id, stream]) => bad(state(id), ['stream'], topicOf(stream))),
  wrongStream: number.map((id) => bad(state(id), ['schema'], topicOf('metrics'))),
  gap: fc
    .tuple(
      number,
      fc.constantFrom(
        [[5, 4]],
        [[-1, 0]],
        [],
        [[0, 2 ** 53]],
        Array.from({ length: 1_001 }, (_, at) => [at * 2, at * 2]),
      ),
    )
    .map(([id, ranges]) => {
      const more = { stream: 'state', lostBootId: BOOT, ranges, reason: 'age' };
      return bad(state(id, more), ['schema'], topicOf('gap'));
    }),
  large: fc.constant(bad(Buffer.alloc((1 << 20) + 1, 0x20), ['too_large'])),
  bomb: fc.constantFrom(...BOMBS).map((bytes) => bad(bytes, ['history'], topicOf('history'))),
  batchText: fc
    .constantFrom('[]', '{}', '[{"stream":"state"}]', '[{"stream":"state","payload":7}]', 'null', '[[[')
    .map((text) => bad(zstdOf(text), ['history'], topicOf('history'))),
  batchCut: fc.tuple(number, fc.integer({ min: 1, max: 60 })).map(([id, cut]) => {
    const whole = packHistory([{ stream: 'state', payload: state(id) }]);
    return bad(whole.subarray(0, whole.length - cut), ['history'], topicOf('history'));
  }),
  batch: fc
    .array(fc.tuple(fc.constantFrom('state', 'history', 'gap', 'unheard-of'), fc.json()), {
      minLength: 1,
      maxLength: 20,
    })
    .map((all) =>
      bad(
        packHistory(all.map(([stream, text]) => ({ stream, payload: text.padEnd(2) }))),
        null,
        topicOf('history'),
      ),
    ),
};

function zstdOf(text: string): Buffer {
  const raw = Buffer.from(text);
  const header = (raw.length << 3) | 1;
  return Buffer.concat([
    Buffer.from([
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x00,
      0x58,
      header & 0xff,
      (header >> 8) & 0xff,
      (header >> 16) & 0xff,
    ]),
    raw,
  ]);
}

/** Messages of all kinds; few of those that take long to make or to read. */
export function badMessages(count: number, seed: number): readonly BadMessage[] {
  const rare = ['large', 'bomb', 'wide'];
  const weighted = Object.entries(kinds).map(([kind, arbitrary]) => ({
    arbitrary,
    weight: rare.includes(kind) ? 1 : 20,
  }));
  return fc.sample(fc.oneof(...weighted), { numRuns: count, seed });
}

/** Messages of a connection, all wrong. */
export const BAD_CONNECTIONS: readonly BadMessage[] = [
  bad('{', ['json'], topicOf('connection')),
  bad(state(0, { connectionState: 'GONE' }), ['schema'], topicOf('connection')),
  bad(state(0, { connectionState: 'OFFLINE' }), ['identity'], topicOf('connection', GOOD_ROBOT)),
  bad(state(0, { connectionState: 'OFFLINE', version: '2.0.0' }), ['version'], topicOf('connection')),
  bad(
    state(0, { connectionState: 'OFFLINE', more: 'x'.repeat(5_000) }),
    ['too_large'],
    topicOf('connection'),
  ),
];
