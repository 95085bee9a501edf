import { describe, expect, it } from 'vitest';
import { parseTestArguments } from '../../scripts/bootstrap/test.mjs';

describe('the arguments of npm test', () => {
  it('are none, groups, files, or a watch', () => {
    expect(parseTestArguments([])).toEqual({
      only: undefined,
      prepare: false,
      watch: false,
      update: false,
      files: [],
    });
    expect(parseTestArguments(['--only', 'unit,ros'])).toMatchObject({ only: 'unit,ros', files: [] });
    expect(parseTestArguments(['--only', 'ros', '--prepare'])).toMatchObject({ only: 'ros', prepare: true });
    expect(parseTestArguments(['test/core', 'test/ros'])).toMatchObject({ files: ['test/core', 'test/ros'] });
    expect(parseTestArguments(['--watch', 'test/core'])).toMatchObject({ watch: true, files: ['test/core'] });
    expect(parseTestArguments(['--update', 'test/docs'])).toMatchObject({
      update: true,
      files: ['test/docs'],
    });
  });

  it.each([
    [['--onyl', 'unit'], /Unknown option '--onyl'/],
    [['test/core/none.test.ts'], /there is no test file test\/core\/none.test.ts/],
    [['--only', 'unit', 'test/core'], /--only selects groups/],
    [['--only', 'unit', '--watch'], /--only selects groups/],
    [['--prepare', 'test/core'], /--prepare installs what groups need/],
    [['--prepare', '--watch'], /--prepare installs what groups need/],
  ])('are refused if they make no sense: %j', (args, message) => {
    expect(() => parseTestArguments(args)).toThrow(message);
  });
});
