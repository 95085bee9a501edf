import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAYLOAD_VERSION } from '../../../src/contract/telemetry/header.ts';
import { checkMessage } from '../../../src/fleet/ingest/check-message.ts';
import type { Received } from '../../../src/fleet/check/received.ts';
import { BOOT, received, stateMessage } from './messages.ts';

const TOPIC = 'fleet/v1/yard/r1/detector/state';
const decoder = new TextDecoder();

/** What a robot of this version sent. */
function keptMessages(stream: string): Record<string, unknown>[] {
  const file = `../../contract/payloads/${PAYLOAD_VERSION}/${stream}.json`;
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Record<string, unknown>[];
}

/** The message once for each number in it, with another one in its place. */
function withNumber(message: unknown, number: number): unknown[] {
  if (typeof message === 'number') return [number];
  if (typeof message !== 'object' || message === null) return [];
  return Object.entries(message).flatMap(([key, value]) =>
    withNumber(value, number).map((changed) =>
      Array.isArray(message) ? message.with(Number(key), changed) : { ...message, [key]: changed },
    ),
  );
}

describe('checkMessage', () => {
  it.each(['metrics', 'state', 'event', 'gap'])('refuses %s with any number out of its range', (stream) => {
    const check = (body: unknown) =>
      checkMessage(received(`fleet/v1/yard/r7/run/${stream}`, JSON.stringify(body)));
    for (const message of keptMessages(stream)) {
      expect(check(message).refusal).toBeUndefined();
      const wrong = withNumber(message, 1e17);
      expect(wrong.length).toBeGreaterThan(2);
      for (const body of wrong) expect(check(body).refusal?.reason).toBe('schema');
    }
    const [message] = keptMessages(stream);
    const quarantined = { ...message, uptimeSeconds: -1, ranges: [[2, 1]], frames: [-1], cameras: [{}] };
    expect(check(quarantined).refusal?.identity === null).toBe(stream === 'gap');
  });

  it('takes what follows the contract, fields that it does not know among it', () => {
    const { message } = checkMessage(stateMessage(7, { firstHeaderId: 5, bootCount: 3, new: [1] }));
    expect(message).toMatchObject({
      sender: { site: 'yard', robot: 'r1', node: 'detector' },
      stream: 'state',
      bootId: BOOT,
      bootCount: 3,
      firstId: 5,
      lastId: 7,
      atMs: Date.UTC(2026, 0, 1),
      historical: false,
      declares: null,
    });
    expect(JSON.parse(decoder.decode(message!.json))).toMatchObject({ new: [1] });
  });

  it('reads what a gap declares', () => {
    const gap = JSON.parse(decoder.decode(stateMessage(0).payload)) as object;
    const declared = { stream: 'metrics', lostBootId: BOOT, ranges: [[1, 4]] };
    const payload = JSON.stringify({ ...gap, ...declared, reason: 'overflow' });
    const { message } = checkMessage(received(TOPIC.replace('state', 'gap'), payload));
    expect(message?.declares).toEqual({ stream: 'metrics', bootId: BOOT, ranges: [[1, 4]] });
  });

  it('takes a drift window, and none whose counts are no whole numbers', () => {
    const window = { start: '2026-01-01T00:00:00.000Z', end: '2026-01-01T00:01:00.000Z' };
    const driftOf = (sum: number): Received => {
      const counts = { frames: 1, inGraph: 1, unmeasured: 0, late: 0, duplicate: 0 };
      const features = {
        brightness: { sum, first: 3, counts: [1] },
        of_tomorrow: { sum: 1, first: 0, counts: [1] },
      };
      const camera = { camera: 'front', ...counts, features, classes: { person: 2 }, agreement: null };
      const header = JSON.parse(decoder.decode(stateMessage(4).payload)) as object;
      const payload = JSON.stringify({ ...header, window, table: 1, cameras: [camera] });
      return received(TOPIC.replace('state', 'drift'), payload);
    };
    expect(checkMessage(driftOf(120_000)).message).toMatchObject({ stream: 'drift', firstId: 4, lastId: 4 });
    expect(checkMessage(driftOf(0.5)).refusal?.reason).toBe('schema');
  });

  it.each([
    ['stream', received('fleet/v1/yard/r1/detector/unheard-of', '{}')],
    ['stream', received('fleet/v1/yard/r1/detector/ack', '{}')],
    ['stream', received('fleet/v1/yard/r1/detector/constructor', '{}')],
    ['topic', received('fleet/v1/yard/r1/detector/"; drop', '{}')],
    ['topic', received('fleet/v2/yard/r1/detector/state', '{}')],
    ['topic', received('fleet/v1/yard/r1/detector/state/more', '{}')],
    ['topic', received("fleet/v1/yard/r1'; drop table x/detector/state", '{}')],
    ['too_large', received(TOPIC, new Uint8Array((1 << 20) + 1))],
    ['json', received(TOPIC, '')],
    ['json', received(TOPIC, new Uint8Array([0xc3, 0x28]))],
    ['json', received(TOPIC, '['.repeat(65) + ']'.repeat(65))],
    ['schema', received(TOPIC, 'null')],
    ['schema', received(TOPIC, '[]')],
    ['schema', stateMessage(-1)],
    ['schema', stateMessage(Number.MAX_SAFE_INTEGER + 1)],
    ['schema', stateMessage(0, { bootId: 'x' })],
    ['schema', stateMessage(0, { timestamp: 'yesterday' })],
    ['version', stateMessage(0, { version: '2.0.0', uptimeSeconds: 'new' })],
    ['identity', stateMessage(0, { serialNumber: 'r2' })],
    ['identity', stateMessage(0, { node: 'other' })],
    ['numbers', stateMessage(0, { firstHeaderId: 1 })],
    ['text', stateMessage(0, { note: '\0' })],
    ['text', stateMessage(0, { note: '\ud800' })],
  ])('refuses for its %s', (reason, message) => {
    const { refusal } = checkMessage(message);
    expect(refusal?.reason).toBe(reason);
    expect(refusal?.received).toBe(message);
  });

  it('takes a backslash before what would be NUL', () => {
    expect(checkMessage(stateMessage(0, { note: String.raw`\u0000` })).refusal).toBeUndefined();
  });

  it('never throws, whatever comes', () => {
    const base = JSON.parse(decoder.decode(stateMessage(0).payload)) as Record<string, unknown>;
    const changed = fc
      .tuple(fc.constantFrom(...Object.keys(base), '__proto__'), fc.jsonValue())
      .map(([key, value]) => received(TOPIC, JSON.stringify({ ...base, [key]: value })));
    const anything = fc
      .tuple(
        fc.oneof(fc.constant(TOPIC), fc.string()),
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
      )
      .map(([topic, payload]) => received(topic, payload));
    fc.assert(
      fc.property(fc.oneof(changed, anything), (message) => {
        const { message: taken, refusal } = checkMessage(message);
        expect(taken === undefined).toBe(refusal !== undefined);
        expect(refusal?.detail.length ?? 0).toBeLessThanOrEqual(500);
      }),
      { numRuns: 10_000 },
    );
  });
});
