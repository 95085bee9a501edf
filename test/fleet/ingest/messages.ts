import type { Received } from '../../../src/fleet/check/received.ts';

export const BOOT = '0f8fad5b-d9cb-469f-a165-70867728950e';

/** A message of `state` that follows the contract, with what a test changes. */
export function stateMessage(headerId: number, more: object = {}, robot = 'r1'): Received {
  const payload = {
    headerId,
    timestamp: '2026-01-01T00:00:00.000Z',
    version: '1.2.0',
    manufacturer: 'Goshawk',
    serialNumber: robot,
    node: 'detector',
    bootId: BOOT,
    uptimeSeconds: 1,
    lifecycle: 'active',
    bundle: null,
    cameras: [],
    host: {},
    ...more,
  };
  return received(`fleet/v1/yard/${robot}/detector/state`, JSON.stringify(payload));
}

export function received(topic: string, payload: string | Uint8Array): Received {
  return { link: 0, topic, payload: Buffer.from(payload), receivedMs: 1_000 };
}
