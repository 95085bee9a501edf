import type { z } from 'zod';
import { MAX_PAYLOAD_BYTES } from '../../contract/telemetry/history.ts';
import { payloadSchemaOf, type StreamPayload } from '../../contract/telemetry/payloads.ts';
import { STORED_STREAMS, type StoredStream } from '../../contract/telemetry/streams.ts';
import { newsOf } from '../latest/news.ts';
import { rollupBucketOf } from '../rollup/window-times.ts';
import type { Declaration, FleetMessage } from '../store/fleet-message.ts';
import { acceptorOf } from '../check/acceptor.ts';
import { readPayload, readTopic, type PayloadRules } from '../check/read-message.ts';
import type { Received } from '../check/received.ts';
import { refusalOf, type RefusedMessage } from '../check/refusal.ts';
import { Refused } from '../check/refused.ts';

export type CheckedMessage =
  | { readonly message: FleetMessage; readonly refusal?: never }
  | { readonly refusal: RefusedMessage; readonly message?: never };

/** What PostgreSQL cannot read from JSON: NUL and halves of surrogate pairs, as JSON.stringify writes them. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/** Most of what comes, and without refinements. */
const QUICK: readonly StoredStream[] = ['metrics', 'state'];

const RULES = new Map<string, PayloadRules<StreamPayload<StoredStream>>>(
  STORED_STREAMS.map((name) => {
    const schema: z.ZodType<StreamPayload<StoredStream>> = payloadSchemaOf(name);
    const rules = { schema, maxBytes: MAX_PAYLOAD_BYTES };
    return [name, QUICK.includes(name) ? { ...rules, accepts: acceptorOf(schema) } : rules];
  }),
);

/** Checks a message in all that can be checked without the database. Never throws. */
export function checkMessage(received: Received): CheckedMessage {
  try {
    return { message: check(received) };
  } catch (error) {
    return { refusal: refusalOf(received, error) };
  }
}

function check({ topic, payload, receivedMs, isHistory }: Received): FleetMessage {
  const { sender, stream } = readTopic(topic);
  const rules = RULES.get(stream);
  if (rules === undefined) throw new Refused('stream', `the stream ${stream} is not one to be stored`);
  const { body, value, text } = readPayload(rules, { sender, payload });
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
    historical: isHistory === true,
    json: text.includes('\\u') ? rewrite(value) : payload,
    bucketMs: 'window' in body ? rollupBucketOf(body) : null,
    latest: isHistory === true ? null : newsOf(stream, body, receivedMs),
    declares: stream === 'gap' && 'lostBootId' in body ? declarationOf(body) : null,
  };
}

function declarationOf(gap: StreamPayload<'gap'>): Declaration {
  return { stream: gap.stream, bootId: gap.lostBootId, ranges: gap.ranges };
}

/** What JSON.parse read as JSON.stringify writes it, with escapes only for what needs them. */
function rewrite(value: unknown): Uint8Array {
  const json = JSON.stringify(value);
  if (UNSTORABLE.test(json)) throw new Refused('text', 'it has NUL or half of a surrogate pair in a string');
  return Buffer.from(json);
}
