import { expect, it } from 'vitest';
import { createdAtFrom } from '../../src/model/created-at.ts';

const NOW = () => new Date('2026-11-23T09:30:11.798Z');

it.each([
  ['nothing said: no time, whatever the clock shows', undefined, {}, undefined],
  ['an empty variable says nothing', undefined, { SOURCE_DATE_EPOCH: '' }, undefined],
  ['SOURCE_DATE_EPOCH', undefined, { SOURCE_DATE_EPOCH: '1700000000' }, '2023-11-14T22:13:20.000Z'],
  ['the option comes first', '2026-01-02T03:04:05Z', { SOURCE_DATE_EPOCH: '1' }, '2026-01-02T03:04:05.000Z'],
  ['another zone is told in UTC', '2026-01-02T03:04:05+01:00', {}, '2026-01-02T02:04:05.000Z'],
  ['now, where it is asked for', 'now', {}, '2026-11-23T09:30:11.798Z'],
])('%s', (_, given, env, expected) => {
  expect(createdAtFrom(given, env, NOW)).toBe(expected);
});

it.each([
  ['yesterday', {}],
  ['2026-01-02', {}],
  ['2026-13-02T03:04:05Z', {}],
  [undefined, { SOURCE_DATE_EPOCH: '1.5' }],
  [undefined, { SOURCE_DATE_EPOCH: '-1' }],
  [undefined, { SOURCE_DATE_EPOCH: '99999999999999' }],
])('refuses %j with %j', (given, env) => {
  expect(() => createdAtFrom(given, env, NOW)).toThrow(expect.objectContaining({ code: 'GOSHAWK_USAGE' }));
});
