import { describe, expect, it } from 'vitest';
import { isSilent, SILENT_AFTER_SECONDS, silentAfterSecondsAt } from '../../src/core/silence.ts';

describe('isSilent', () => {
  it.each([
    ['a camera that sends', 40, 60_000, false],
    ['a camera that stopped', 3001, 60_000, true],
    ['one that stopped before frames were taken', 60_000, 2999, false],
    ['one that never sent', null, 3001, true],
    ['one that has not sent yet', null, 100, false],
  ])('%s', (_, withoutFrameMs, listeningMs, expected) => {
    expect(isSilent(withoutFrameMs, listeningMs, 3000)).toBe(expected);
  });

  it('waits three periods of a slow camera', () => {
    expect(silentAfterSecondsAt(undefined)).toBe(SILENT_AFTER_SECONDS);
    expect(silentAfterSecondsAt(30)).toBe(SILENT_AFTER_SECONDS);
    expect(silentAfterSecondsAt(0.1)).toBe(30);
  });
});
