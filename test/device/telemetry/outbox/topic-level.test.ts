import { describe, expect, it } from 'vitest';
import { topicLevelFrom } from '../../../../src/device/telemetry/outbox/topic-level.ts';

describe('a level of a topic', () => {
  it.each([
    ['/goshawk/detector', 'goshawk-detector'],
    ['robot_7.local', 'robot_7.local'],
    ['///', 'robot'],
  ])('%s becomes %s', (name, level) => {
    expect(topicLevelFrom(name)).toBe(level);
  });

  it('stays distinct if long names differ only at the end', () => {
    const long = `/${'a'.repeat(80)}`;
    expect(topicLevelFrom(`${long}/left`)).not.toBe(topicLevelFrom(`${long}/right`));
    expect(topicLevelFrom(`${long}/left`)).toHaveLength(64);
  });
});
