import { parseJson } from '../../contract/json.ts';
import { MAX_PAYLOAD_BYTES } from '../../contract/telemetry/history.ts';
import { payloadSchemaOf, type StreamPayload } from '../../contract/telemetry/payloads.ts';
import { topicLevelSchema, type Speaker } from '../../contract/telemetry/speaker.ts';
import { STORED_STREAMS, type StoredStream } from '../../contract/telemetry/streams.ts';
import { TELEMETRY_VERSION } from '../../contract/telemetry/topics.ts';
import { errorText } from '../../platform/error-text.ts';
import type { Declaration, FleetMessage } from '../store/fleet-message.ts';
import type { Received } from './received.ts';

/**
 * Why a message is not stored as what it claims to be.
 * - `topic`: a level of its topic is not a name, or its stream is not one of these
 * - `too_large`: more than 1 MiB
 * - `json`: not UTF-8, not JSON, or nested too deeply
 * - `version`: of another major version than its topic
 * - `schema`: not what its stream is made of
 * - `identity`: the payload names another robot or node than the topic, which the broker's access rules hold to
 *   the client
 * - `numbers`: its first number is above the last
 * - `text`: a character that a database cannot store (NUL, half of a pair)
 * - `history`: a batch that cannot be unpacked
 * - `database`: the database refused it
 */
export type WrongReason =
  | 'topic'
  | 'too_large'
  | 'json'
  | 'version'
  | 'schema'
  | 'identity'
  | 'numbers'
  | 'text'
  | 'history'
  | 'database';

export interface RefusedMessage {
  readonly received: Received;
  readonly reason: WrongReason;
  /** what is wrong with it */
  readonly detail: string;
}

export type CheckedMessage =
  | { readonly message: FleetMessage; readonly refusal?: never }
  | { readonly refusal: RefusedMessage; readonly message?: never };

/** As many words of a refusal as anybody reads. */
const MAX_DETAIL = 500;
const MAJOR_VERSION = `${TELEMETRY_VERSION.slice(1)}.`;
/** What jsonb does not take: NUL and halves of surrogate pairs, as JSON.stringify writes them. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

const SCHEMAS = Object.fromEntries(STORED_STREAMS.map((name) => [name, payloadSchemaOf(name)])) as {
  readonly [Name in StoredStream]: ReturnType<typeof payloadSchemaOf<Name>>;
};

class Refused extends Error {
  readonly reason: WrongReason;

  constructor(reason: WrongReason, detail: string) {
    super(detail.slice(0, MAX_DETAIL));
    this.reason = reason;
  }
}

/** Checks a message in all that can be checked without the database. Never throws. */
export function checkMessage(received: Received): CheckedMessage {
  try {
    return { message: check(received) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { refusal: { received, reason: error.reason, detail: error.message } };
  }
}

function check({ topic, payload, receivedMs, isHistory }: Received): FleetMessage {
  const { sender, stream } = readTopic(topic);
  if (payload.length > MAX_PAYLOAD_BYTES)
    throw new Refused('too_large', `${payload.length} bytes, ${MAX_PAYLOAD_BYTES} at most`);
  const text = decode(payload);
  const value = readJson(text);
  const parsed = SCHEMAS[stream].safeParse(value);
  if (!parsed.success) {
    checkVersion(value);
    const reasons = parsed.error.issues
      .slice(0, 3)
      .map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Refused('schema', reasons.join('; '));
  }
  const body: StreamPayload<StoredStream> = parsed.data;
  checkVersion(body);
  if (body.serialNumber !== sender.robot || body.node !== sender.node)
    throw new Refused('identity', `the payload is of ${body.serialNumber}/${body.node}`);
  const { firstHeaderId: firstId = body.headerId, headerId: lastId, bootId } = body;
  if (firstId > lastId) throw new Refused('numbers', `firstHeaderId ${firstId} is above headerId ${lastId}`);
  return {
    sender,
    stream,
    bootId,
    bootCount: body.bootCount ?? null,
    firstId,
    lastId,
    atMs: Date.parse(body.timestamp),
    receivedMs,
    historical: isHistory === true || body.historical === true,
    json: text.includes('\\u') ? rewrite(value) : payload,
    declares: 'lostBootId' in body ? declarationOf(body) : null,
  };
}

function declarationOf(gap: StreamPayload<'gap'>): Declaration {
  return { stream: gap.stream, bootId: gap.lostBootId, ranges: gap.ranges };
}

function isStored(name: string): name is StoredStream {
  return Object.hasOwn(SCHEMAS, name);
}

function readTopic(topic: string): { sender: Speaker; stream: StoredStream } {
  const [root, version, site, robot, node, stream, ...more] = topic.split('/');
  const levels = [site, robot, node].map((level) => topicLevelSchema.safeParse(level));
  if (root !== 'fleet' || version !== TELEMETRY_VERSION || more.length > 0 || stream === undefined)
    throw new Refused('topic', `it is not fleet/${TELEMETRY_VERSION}/{site}/{robot}/{node}/{stream}`);
  const wrong = levels.find(({ success }) => !success)?.error?.issues[0];
  if (wrong !== undefined) throw new Refused('topic', wrong.message);
  if (!isStored(stream))
    throw new Refused('topic', `the stream ${stream.slice(0, 32)} is not one to be stored`);
  return { sender: { site: site ?? '', robot: robot ?? '', node: node ?? '' }, stream };
}

function decode(payload: Uint8Array): string {
  try {
    return UTF8.decode(payload);
  } catch {
    throw new Refused('json', 'it is not UTF-8');
  }
}

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new Refused('json', errorText(error));
  }
}

/** What JSON.parse read as JSON.stringify writes it, with escapes only for what needs them. */
function rewrite(value: unknown): Uint8Array {
  const json = JSON.stringify(value);
  if (UNSTORABLE.test(json)) throw new Refused('text', 'it has NUL or half of a surrogate pair in a string');
  return Buffer.from(json);
}

/** A version that cannot be read is left to the schema. */
function checkVersion(value: unknown): void {
  if (typeof value !== 'object' || value === null || !('version' in value)) return;
  const { version } = value;
  if (typeof version === 'string' && !version.startsWith(MAJOR_VERSION))
    throw new Refused('version', `version ${version.slice(0, 32)} on a topic of ${TELEMETRY_VERSION}`);
}
