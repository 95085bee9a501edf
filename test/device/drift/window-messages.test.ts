import { describe, expect, it } from 'vitest';
import { driftBodySchema, MAX_DRIFT_BYTES } from '../../../src/contract/telemetry/drift.ts';
import type { StreamBody } from '../../../src/contract/telemetry/streams.ts';
import { messagesOf } from '../../../src/device/drift/window-messages.ts';

type Window = StreamBody<'drift'>;

const windowOf = (names: readonly string[], classes: Record<string, number> = {}): Window => ({
  window: { start: '2026-01-01T10:00:00.000Z', end: '2026-01-01T10:01:00.000Z' },
  bundle: null,
  table: 1,
  cameras: names.map((camera) => ({
    camera,
    ...{ frames: 2, inGraph: 0, unmeasured: 1, late: 0, duplicate: 0 },
    ...{ features: { brightness: { sum: 7, first: 3, counts: [2] } }, classes, agreement: null },
  })),
});
const numbered = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${String(i)}`);
const classesOf = (labels: readonly string[]): Record<string, number> =>
  Object.fromEntries(labels.map((label, i) => [label, i + 1]));
const sumOf = (classes: Record<string, number>): number =>
  Object.values(classes).reduce((sum, count) => sum + count, 0);

describe('a drift window', () => {
  it.each([
    [0, [0]],
    [256, [256]],
    [257, [256, 1]],
    [600, [256, 256, 88]],
  ])('of %i cameras is sent as messages that the fleet takes, with every camera once', (count, sizes) => {
    const window = windowOf(numbered(count, 'camera'));
    const messages = messagesOf(window);
    expect(messages.map(({ cameras }) => cameras.length)).toEqual(sizes);
    for (const message of messages)
      expect(driftBodySchema.parse(message)).toMatchObject({ window: window.window });
    expect(messages.flatMap(({ cameras }) => cameras)).toEqual(window.cameras);
  });

  it('of few cameras with much to say is several messages, none of which is too large', () => {
    const window = windowOf(numbered(40, 'camera'), classesOf(numbered(512, 'a label of some length ')));
    const messages = messagesOf(window);
    expect(messages.length).toBeGreaterThan(1);
    for (const message of messages)
      expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(MAX_DRIFT_BYTES + 1000);
    expect(messages.flatMap(({ cameras }) => cameras)).toEqual(window.cameras);
  });

  it('names the classes with the most boxes, and counts the others together: no box is lost', () => {
    // the longest labels that a bundle may have, and as many of them
    const classes = classesOf(numbered(4096, '\u8eca'.repeat(96)));
    const [message, ...more] = messagesOf(windowOf(['front'], classes));
    expect(more).toEqual([]);
    const kept = driftBodySchema.parse(message).cameras[0]!.classes;
    expect(Object.keys(kept)).toHaveLength(513);
    expect(sumOf(kept)).toBe(sumOf(classes));
    expect(kept[`${'\u8eca'.repeat(96)}4095`]).toBe(4096);
    expect(kept['(others)']).toBe((3584 * 3585) / 2);
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(MAX_DRIFT_BYTES);
  });

  it.each([0, 600])('counts a label that is called as the others are with them', (at) => {
    const labels = numbered(700, 'label');
    labels.splice(at, 0, '(others)');
    const classes = classesOf(labels);
    expect(sumOf(messagesOf(windowOf(['front'], classes))[0]!.cameras[0]!.classes)).toBe(sumOf(classes));
  });
});
