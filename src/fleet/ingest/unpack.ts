import type { Stream } from '../../contract/telemetry/streams.ts';
import { readHistory } from '../../platform/history-batch.ts';
import { checkMessage, type CheckedMessage } from './check-message.ts';
import { refusalOf } from '../check/refusal.ts';
import type { Received } from '../check/received.ts';
import { Refused } from '../check/refused.ts';

const HISTORY: Stream = 'history';
const SUFFIX = `/${HISTORY}`;

/** A message that was checked. */
export interface Waiting {
  readonly received: Received;
  readonly checked: CheckedMessage;
}

/** The message, or those of a batch, each as if it had come on the topic of its own stream. Never throws. */
export function unpack(received: Received): readonly Waiting[] {
  const { topic, payload } = received;
  if (!topic.endsWith(SUFFIX)) return [{ received, checked: checkMessage(received) }];
  const messages = readHistory(payload);
  if ('reason' in messages)
    return [{ received, checked: { refusal: refusalOf(received, new Refused('history', messages.detail)) } }];
  const speaker = topic.slice(0, -HISTORY.length);
  return messages.map(({ stream, payload: text }) => {
    const one: Received = {
      ...received,
      topic: `${speaker}${stream}`,
      payload: Buffer.from(text),
      isHistory: true,
    };
    return { received: one, checked: checkMessage(one) };
  });
}
