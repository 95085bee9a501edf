import { readHistory } from '../../src/platform/history-batch.ts';

/** A message, or those of a batch, each with its topic. */
export function messagesOf(topic: string, payload: Buffer): (readonly [topic: string, text: string])[] {
  if (!topic.endsWith('/history')) return [[topic, payload.toString('utf8')]];
  const messages = readHistory(payload);
  if ('ok' in messages) throw new Error(messages.detail);
  return messages.map(({ stream, payload: text }) => [topic.replace(/history$/, stream), text]);
}
