import { expect, it } from 'vitest';
import { Presence } from '../../../src/fleet/presence/presence.ts';

const FIRST_BOOT = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const SECOND_BOOT = '7f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const TOPIC = 'fleet/v1/yard/r7/detector/connection';

function message(connectionState: string, bootId: string, birthHeaderId: number, more: object = {}): Buffer {
  const header = { headerId: birthHeaderId, timestamp: '2026-01-01T00:00:00.000Z', version: '1.3.0' };
  const sender = { manufacturer: 'Goshawk', serialNumber: 'r7', node: 'detector' };
  return Buffer.from(
    JSON.stringify({ ...header, ...sender, bootId, connectionState, birthHeaderId, ...more }),
  );
}

it('a will counts for its own connection only', () => {
  const presence = new Presence();
  const state = (): string | null => presence.stateOf('yard', 'r7', 'detector');
  expect(state()).toBeNull();
  presence.take(TOPIC, message('ONLINE', FIRST_BOOT, 0));
  presence.take(TOPIC, message('ONLINE', FIRST_BOOT, 1));
  presence.take(TOPIC, message('CONNECTION_BROKEN', FIRST_BOOT, 0));
  expect(state()).toBe('ONLINE');
  presence.take(TOPIC, message('HIBERNATING', SECOND_BOOT, 0));
  presence.take(TOPIC, message('CONNECTION_BROKEN', FIRST_BOOT, 1));
  expect(state()).toBe('HIBERNATING');
  presence.take(TOPIC, message('CONNECTION_BROKEN', SECOND_BOOT, 0));
  expect(state()).toBe('CONNECTION_BROKEN');
});

it('nobody speaks for another, and what is no message changes nothing', () => {
  const presence = new Presence();
  expect(presence.take('fleet/v1/yard/r7/detector/state', message('ONLINE', FIRST_BOOT, 0))).toBe(false);
  presence.take(TOPIC, message('ONLINE', FIRST_BOOT, 0));
  const wrong = [
    message('OFFLINE', FIRST_BOOT, 0, { serialNumber: 'r8' }),
    message('OFFLINE', FIRST_BOOT, 0, { node: 'other' }),
    message('GONE', FIRST_BOOT, 0),
    message('OFFLINE', FIRST_BOOT, 0, { pad: 'x'.repeat(5_000) }),
    Buffer.from('{'),
    Buffer.from('['.repeat(2_000)),
    Buffer.alloc(0),
  ];
  for (const payload of wrong) expect(presence.take(TOPIC, payload)).toBe(true);
  expect(presence.stateOf('yard', 'r7', 'detector')).toBe('ONLINE');
});
