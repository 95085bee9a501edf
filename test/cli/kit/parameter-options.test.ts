import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addParameterOptions, givenValues, parameterValues } from '../../../src/cli/kit/parameter-options.ts';
import type { ParameterTable, ValuesOf } from '../../../src/contract/parameters.ts';

const common = { read: 'start' as const, description: 'A parameter.' };
const TABLE = {
  port: {
    ...common,
    kind: 'int',
    default: 0,
    min: 0,
    max: 10,
    option: { flags: '--port <n>', description: 'a port, 0 for any', words: { '0': -1 } },
  },
  ratio: {
    ...common,
    kind: 'double',
    default: 1,
    min: 0,
    max: 1,
    option: { flags: '--ratio <n>', description: 'r' },
  },
  site: {
    ...common,
    kind: 'string',
    default: 'node',
    option: { flags: '--the-site <name>', description: 's', default: 'command' },
  },
  color: {
    ...common,
    kind: 'string',
    default: 'red',
    oneOf: ['red', 'blue'],
    option: { flags: '--color <c>', description: 'c' },
  },
  hosts: { ...common, kind: 'string[]', default: [], option: { flags: '--host <name>', description: 'h' } },
  fast: { ...common, kind: 'bool', default: false, option: { flags: '--fast', description: 'f' } },
  hidden: { ...common, kind: 'string', default: 'of the node' },
} as const satisfies ParameterTable;

function parse(...words: string[]): ValuesOf<typeof TABLE> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addParameterOptions(command, TABLE);
  return parameterValues(TABLE, command.parse(words, { from: 'user' }).opts());
}

describe('parameters as options of a command', () => {
  it('have the defaults of the command, else those of the node', () => {
    const defaults = {
      port: 0,
      ratio: 1,
      site: 'command',
      color: 'red',
      hosts: [],
      fast: false,
      hidden: 'of the node',
    };
    expect(parse()).toEqual(defaults);
    expect(parameterValues(TABLE, {})).toEqual(defaults);
  });

  it('include only those that were given if the receiver has the defaults', () => {
    expect(givenValues(TABLE, {})).toEqual({});
    expect(givenValues(TABLE, { ratio: 0, other: 1 })).toEqual({ ratio: 0 });
  });

  it('accept what their kind accepts, and words that stand for a value', () => {
    const words = [
      '--port',
      '0',
      '--ratio',
      '0.5',
      '--the-site',
      '7',
      '--color',
      'blue',
      '--host',
      'a',
      '--host',
      'b',
    ];
    expect(parse(...words, '--fast')).toEqual({
      port: -1,
      ratio: 0.5,
      site: '7',
      color: 'blue',
      hosts: ['a', 'b'],
      fast: true,
      hidden: 'of the node',
    });
    expect(parse('--port', '7').port).toBe(7);
  });

  it.each([
    [['--port', '11'], 'a whole number from 0 to 10'],
    [['--port', '-1'], 'a whole number from 0 to 10'],
    [['--port', ''], 'a whole number from 0 to 10'],
    [['--ratio', '2'], 'a number from 0 to 1'],
    [['--ratio', ' '], 'a number from 0 to 1'],
    [['--color', 'green'], 'red, blue'],
  ])('refuse %j', (words, reason) => {
    expect(() => parse(...words)).toThrow(reason);
  });
});
