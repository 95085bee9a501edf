import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addCommands, type CommandRow } from '../../../src/cli/kit/command-rows.ts';
import { makeProgram } from '../../../src/cli/program.ts';

/** The help of a command; the default of an expiry is a time from now. */
const textOf = (command: Command): string =>
  command.helpInformation().replace(/\d{4}-\d\d-[\d:.T-]+Z/g, 'TIME');

/** Each command below this one, by its words, with its help. */
function helpOf(command: Command, words: readonly string[] = []): [string, string][] {
  return command.commands.flatMap((each) => {
    const path = [...words, each.name()];
    return [[path.join(' '), textOf(each)] as [string, string], ...helpOf(each, path)];
  });
}

const find = (program: Command, words: readonly string[]): Command | undefined =>
  words.reduce<Command | undefined>(
    (command, word) => command?.commands.find((each) => each.name() === word),
    program,
  );

const leaves = helpOf(await makeProgram()).filter(
  ([path], _, all) => !all.some(([other]) => other.startsWith(`${path} `)),
);

describe('the command line', () => {
  it('has all commands where it is not known which is wanted', async () => {
    expect(leaves.length).toBeGreaterThan(40);
    expect(helpOf(await makeProgram(['--help']))).toEqual(helpOf(await makeProgram()));
    expect(helpOf(await makeProgram(['nonsense']))).toEqual(helpOf(await makeProgram()));
  });

  it.each(leaves)('"%s" is there when only it is loaded, without the others', async (path, help) => {
    const words = path.split(' ');
    const program = await makeProgram([...words, '--help']);
    const found = find(program, words);
    expect(found && textOf(found)).toBe(help);
    expect(program.commands).toHaveLength(1);
  });
});

it('adds only the commands that the first word names, and tells them the rest', async () => {
  const seen: string[] = [];
  const row = (names: readonly string[]): CommandRow => ({
    names,
    add: (parent, words) => {
      seen.push(words.join(' '));
      for (const name of names) parent.command(name);
    },
  });
  const parent = new Command();
  await addCommands(parent, [row(['one', 'two']), row(['three'])], ['two', 'and', 'more']);
  expect(parent.commands.map((each) => each.name())).toEqual(['one', 'two']);
  expect(seen).toEqual(['and more']);
});
