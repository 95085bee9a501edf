import type { z } from 'zod';
import { parseJson } from '../../contract/json.ts';
import { streamNameSchema } from '../../contract/telemetry/ranges.ts';
import { topicLevelSchema, type Speaker } from '../../contract/telemetry/speaker.ts';
import { TELEMETRY_VERSION } from '../../contract/telemetry/topics.ts';
import { errorText } from '../../platform/error-text.ts';
import type { Acceptor } from './acceptor.ts';
import { Refused } from './refused.ts';

const MAJOR_VERSION = `${TELEMETRY_VERSION.slice(1)}.`;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What every payload says of its sender. */
interface Header {
  readonly serialNumber: string;
  readonly node: string;
}

/** What a topic says. */
interface Origin {
  readonly sender: Speaker;
  readonly stream: string;
}

/** Topics that are remembered: about 300 bytes each. */
const MAX_REMEMBERED = 200_000;
const KNOWN = new Map<string, Origin>();

/** @throws Refused if it is not `fleet/v1/{site}/{robot}/{node}/{stream}` */
export function readTopic(topic: string): Origin {
  const known = KNOWN.get(topic);
  if (known !== undefined) return known;
  const origin = parseTopic(topic);
  if (KNOWN.size >= MAX_REMEMBERED) KNOWN.clear();
  KNOWN.set(topic, origin);
  return origin;
}

function parseTopic(topic: string): Origin {
  const [root, version, site, robot, node, stream, ...more] = topic.split('/');
  if (root !== 'fleet' || version !== TELEMETRY_VERSION || more.length > 0)
    throw new Refused('topic', `it is not fleet/${TELEMETRY_VERSION}/{site}/{robot}/{node}/{stream}`);
  const name = streamNameSchema.safeParse(stream);
  const levels = [site, robot, node].map((level) => topicLevelSchema.safeParse(level));
  const wrong = [...levels, name].find(({ success }) => !success)?.error?.issues[0];
  if (wrong !== undefined) throw new Refused('topic', wrong.message);
  return { sender: { site: site ?? '', robot: robot ?? '', node: node ?? '' }, stream: name.data ?? '' };
}

/** JSON that may be anything. @throws Refused */
export function readJson(payload: Uint8Array): { readonly value: unknown; readonly text: string } {
  let text: string;
  try {
    text = UTF8.decode(payload);
  } catch {
    throw new Refused('json', 'it is not UTF-8');
  }
  try {
    return { value: parseJson(text), text };
  } catch (error) {
    throw new Refused('json', errorText(error));
  }
}

/** What a payload has to be. */
export interface PayloadRules<Body extends Header> {
  readonly schema: z.ZodType<Body>;
  /** asked before the schema */
  readonly accepts?: Acceptor;
  readonly maxBytes: number;
}

/** A payload that follows the rules, and is the sender's own. @throws Refused */
export function readPayload<Body extends Header>(
  { schema, accepts, maxBytes }: PayloadRules<Body>,
  { sender, payload }: { readonly sender: Speaker; readonly payload: Uint8Array },
): { readonly body: Body; readonly value: unknown; readonly text: string } {
  if (payload.length > maxBytes)
    throw new Refused('too_large', `${payload.length} bytes, ${maxBytes} at most`);
  const { value, text } = readJson(payload);
  const body = accepts?.(value) === true ? (value as Body) : parse(schema, value);
  checkVersion(value);
  const { serialNumber, node } = body;
  if (serialNumber !== sender.robot || node !== sender.node)
    throw new Refused('identity', `the payload is of ${serialNumber}/${node}`);
  return { body, value, text };
}

function parse<Body>(schema: z.ZodType<Body>, value: unknown): Body {
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return data;
  checkVersion(value);
  const reasons = error?.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Refused('schema', reasons?.join('; ') ?? '');
}

/** A version that cannot be read is left to the schema. */
function checkVersion(value: unknown): void {
  if (typeof value !== 'object' || value === null || !('version' in value)) return;
  const { version } = value;
  if (typeof version === 'string' && !version.startsWith(MAJOR_VERSION))
    throw new Refused('version', `version ${version.slice(0, 32)} on a topic of ${TELEMETRY_VERSION}`);
}
