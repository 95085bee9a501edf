import { expect, it } from 'vitest';
import { AckSender } from '../../../src/fleet/ingest/acks.ts';
import { checkMessage } from '../../../src/fleet/ingest/check-message.ts';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { BOOT, stateMessage } from './messages.ts';

it('joins what waits for one robot while the broker takes nothing, within the bounds of the contract', () => {
  const sent: string[] = [];
  const link = {
    canPublish: false,
    publish: (_topic: string, payload: string) => void sent.push(payload),
  };
  const acks = new AckSender(link, BOOT);
  for (let id = 0; id < 5_000; id += 2) acks.add([checkMessage(stateMessage(id)).message!]);
  acks.add([checkMessage(stateMessage(0, {}, 'r2')).message!]);
  expect(sent).toEqual([]);
  expect(acks.waiting).toBe(2);
  link.canPublish = true;
  acks.resume();
  const messages = sent.map((text) => payloadSchemaOf('ack').parse(JSON.parse(text)));
  const counts = messages.map(({ serialNumber, acks: rows }) => [
    serialNumber,
    rows.map(({ ranges }) => ranges.length),
  ]);
  expect(counts).toEqual([
    ['r1', [1_000]],
    ['r1', [1_000]],
    ['r1', [500]],
    ['r2', [1]],
  ]);
});
