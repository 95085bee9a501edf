import type { FleetMessage } from '../../../src/fleet/store/fleet-message.ts';

/** A message as it is stored. */
export function message(
  robot: string,
  bootId: string,
  lastId: number,
  more: Partial<FleetMessage> = {},
): FleetMessage {
  return {
    sender: { site: 'yard', robot, node: 'detector' },
    stream: 'metrics',
    bootId,
    bootCount: 0,
    firstId: lastId,
    lastId,
    atMs: Date.now(),
    receivedMs: Date.now(),
    historical: false,
    json: Buffer.from('{"quoted":"a \\"b\\" {c} \\\\ NULL"}'),
    bucketMs: null,
    declares: null,
    latest: null,
    ...more,
  };
}
