import { expect, it } from 'vitest';
import { isConnection, Presence } from '../../../src/fleet/presence/presence.ts';
import { readIdentity } from '../../../src/fleet/check/message-identity.ts';
import type { Received } from '../../../src/fleet/check/received.ts';
import type { WrongReason } from '../../../src/fleet/check/refused.ts';
import { received } from '../ingest/messages.ts';

const FIRST_BOOT = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const SECOND_BOOT = '7f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const TOPIC = 'fleet/v1/yard/r7/detector/connection';

function message(
  connectionState: string,
  bootId: string,
  birthHeaderId: number,
  more: object = {},
): Received {
  const header = { headerId: birthHeaderId, timestamp: '2026-01-01T00:00:00.000Z', version: '1.3.0' };
  const sender = { manufacturer: 'Goshawk', serialNumber: 'r7', node: 'detector' };
  const body = { bootId, connectionState, birthHeaderId, ...more };
  return received(TOPIC, JSON.stringify({ ...header, ...sender, ...body }));
}

it('a will counts for its own connection only', () => {
  const presence = new Presence();
  const state = (): string | null => presence.stateOf('yard', 'r7', 'detector');
  expect(state()).toBeNull();
  presence.take(message('ONLINE', FIRST_BOOT, 0));
  presence.take(message('ONLINE', FIRST_BOOT, 1));
  presence.take(message('CONNECTION_BROKEN', FIRST_BOOT, 0));
  expect(state()).toBe('ONLINE');
  presence.take(message('HIBERNATING', SECOND_BOOT, 0));
  presence.take(message('CONNECTION_BROKEN', FIRST_BOOT, 1));
  expect(state()).toBe('HIBERNATING');
  presence.take(message('CONNECTION_BROKEN', SECOND_BOOT, 0));
  expect(state()).toBe('CONNECTION_BROKEN');
});

const at = (day: number): { timestamp: string } => ({ timestamp: `2026-01-0${day}T00:00:00.000Z` });

/** What brokers A and B retain, in both orders, as an ingestor gets it that connects to them. */
it.each([
  [
    'a robot that went to another broker and came back is online',
    message('ONLINE', FIRST_BOOT, 7, { bootCount: 1 }),
    message('OFFLINE', FIRST_BOOT, 5, { bootCount: 1, headerId: 6 }),
    'ONLINE',
  ],
  [
    'a robot that died at another broker is gone, though the first one still has its birth',
    message('CONNECTION_BROKEN', FIRST_BOOT, 3, { bootCount: 1, headerId: 2 }),
    message('ONLINE', FIRST_BOOT, 1, { bootCount: 1 }),
    'CONNECTION_BROKEN',
  ],
  [
    'the later boot counts, whatever its clock says',
    message('CONNECTION_BROKEN', SECOND_BOOT, 1, { bootCount: 2, headerId: 0, ...at(1) }),
    message('ONLINE', FIRST_BOOT, 9, { bootCount: 1, ...at(2) }),
    'CONNECTION_BROKEN',
  ],
  [
    'without a count of boots the later time counts',
    message('ONLINE', SECOND_BOOT, 1, at(2)),
    message('CONNECTION_BROKEN', FIRST_BOOT, 9, { headerId: 8, ...at(1) }),
    'ONLINE',
  ],
])('%s', (_, atA, atB, expected) => {
  const retained = [
    { ...atA, link: 0, isRetained: true },
    { ...atB, link: 1, isRetained: true },
  ] as const;
  for (const order of [retained, [...retained].reverse()]) {
    const presence = new Presence();
    for (const one of order) presence.take(one);
    // the connection to the second broker was lost and is there again
    presence.take(retained[1]);
    expect(presence.stateOf('yard', 'r7', 'detector')).toBe(expected);
  }
});

it('believes a robot with a new disk, which counts its boots from 0 again, and no late word of an earlier boot', () => {
  const presence = new Presence();
  presence.take({ ...message('ONLINE', FIRST_BOOT, 3, { bootCount: 40, ...at(1) }), isRetained: true });
  presence.take(message('HIBERNATING', SECOND_BOOT, 1, { bootCount: 0, ...at(2) }));
  expect(presence.stateOf('yard', 'r7', 'detector')).toBe('HIBERNATING');
  presence.take(message('ONLINE', FIRST_BOOT, 3, { bootCount: 40, ...at(3) }));
  presence.take(message('OFFLINE', SECOND_BOOT, 1, { bootCount: 0, ...at(2) }));
  expect(presence.stateOf('yard', 'r7', 'detector')).toBe('ONLINE');
});

it('knows whose connection changed since when, and not whose birth was only repeated', () => {
  const presence = new Presence();
  const at = (state: string, receivedMs: number): void => {
    presence.take({ ...message(state, FIRST_BOOT, 0), receivedMs });
  };
  at('ONLINE', 1_000);
  at('ONLINE', 2_000);
  const robot = { site: 'yard', robot: 'r7' };
  expect(presence.changedSince(0)).toEqual([{ ...robot, atMs: 1_000 }]);
  expect(presence.changedSince(1_000)).toEqual([]);
  at('OFFLINE', 3_000);
  presence.take({ ...received(TOPIC, ''), receivedMs: 4_000 });
  expect(presence.changedSince(0)).toEqual([{ ...robot, atMs: 4_000 }]);
  const other = 'fleet/v1/yard/r8/detector/connection';
  presence.take({ ...received(other, ''), receivedMs: 200_000 });
  expect(presence.changedSince(0)).toEqual([{ ...robot, atMs: 4_000 }]);
});

it('nobody speaks for another, and what is no message is refused by reason and changes nothing', () => {
  const presence = new Presence();
  presence.take(message('ONLINE', FIRST_BOOT, 0));
  const wrong: [WrongReason, Received][] = [
    ['identity', message('OFFLINE', FIRST_BOOT, 0, { serialNumber: 'r8' })],
    ['identity', message('OFFLINE', FIRST_BOOT, 0, { node: 'other' })],
    ['schema', message('GONE', FIRST_BOOT, 0)],
    ['version', message('OFFLINE', FIRST_BOOT, 0, { version: '2.0.0' })],
    ['too_large', message('OFFLINE', FIRST_BOOT, 0, { pad: 'x'.repeat(5_000) })],
    ['json', received(TOPIC, '{')],
    ['json', received(TOPIC, '['.repeat(2_000))],
    ['topic', received('fleet/v1/yard/r 7/detector/connection', '{}')],
    ['topic', received('fleet/v1/yard/r7/connection', '')],
  ];
  for (const [reason, one] of wrong) {
    expect(() => presence.take(one)).toThrow(expect.objectContaining({ reason }));
    expect(readIdentity(one, reason)).toBeNull();
  }
  expect(presence.stateOf('yard', 'r7', 'detector')).toBe('ONLINE');
});

it('forgets a detector whose retained message was deleted at the broker', () => {
  const presence = new Presence();
  presence.take(message('ONLINE', FIRST_BOOT, 0));
  presence.take({ ...received(TOPIC, ''), link: 1 });
  expect(presence.stateOf('yard', 'r7', 'detector')).toBe('ONLINE');
  presence.take(received(TOPIC, ''));
  expect(presence.stateOf('yard', 'r7', 'detector')).toBeNull();
});

it('knows topics of connections', () => {
  expect(isConnection(TOPIC)).toBe(true);
  expect(isConnection('fleet/v1/yard/r7/detector/state')).toBe(false);
});
