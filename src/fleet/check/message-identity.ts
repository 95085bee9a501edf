import { z } from 'zod';
import { tryParseJson } from '../../contract/json.ts';
import { headerShape } from '../../contract/telemetry/header.ts';
import { STREAM_NAMES, STORED_STREAMS, type Stream } from '../../contract/telemetry/streams.ts';
import type { MessageIdentity } from '../store/fleet-message.ts';
import { readTopic } from './read-message.ts';
import type { Received } from './received.ts';
import type { WrongReason } from './refused.ts';

/** What another version of the fleet, or a corrected one, may accept. */
const CURABLE: readonly WrongReason[] = ['stream', 'version', 'schema', 'text', 'database'];

/**
 * Streams of which nothing is ever stored, and `gap`: what one declares would be forgotten by the robot and unknown to
 * the ledger, so it stays with the robot until it can be read.
 */
const NEVER_KEPT: readonly string[] = [
  'gap',
  ...STREAM_NAMES.filter((name: Stream) => !(STORED_STREAMS as readonly Stream[]).includes(name)),
];

const { headerId, firstHeaderId, serialNumber, node, bootId, bootCount } = headerShape;
const schema = z.object({ headerId, firstHeaderId, serialNumber, node, bootId, bootCount });

/**
 * Which of its sender's messages a refused one is; null if that cannot be read, if it is another one's, or if nothing
 * can ever make it acceptable. Never throws.
 */
export function readIdentity({ topic, payload }: Received, reason: WrongReason): MessageIdentity | null {
  if (!CURABLE.includes(reason)) return null;
  const { sender, stream } = readTopic(topic);
  const { data } = schema.safeParse(tryParseJson(Buffer.from(payload).toString('utf8')));
  if (data === undefined || NEVER_KEPT.includes(stream)) return null;
  const { headerId: lastId, firstHeaderId: firstId = lastId } = data;
  const isOwn = data.serialNumber === sender.robot && data.node === sender.node;
  if (!isOwn || firstId > lastId) return null;
  return { sender, stream, bootId: data.bootId, bootCount: data.bootCount ?? null, firstId, lastId };
}
