import { CommanderError, type Command } from 'commander';
import { makeProgram } from '../../src/cli/program.ts';

const WHOLE = await makeProgram();

/** Why the real command line refuses these words, without running its actions; null if it accepts them. */
export async function refusalOf(words: readonly string[]): Promise<string | null> {
  const program = await makeProgram(words);
  disarm(program);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return null;
  } catch (error) {
    if (error instanceof CommanderError) return error.message;
    throw error;
  }
}

function disarm(command: Command): void {
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  if (command.commands.length === 0) command.action(() => undefined);
  for (const each of command.commands) disarm(each);
}

/** Like `refusalOf`, for text that mentions a command in passing: missing arguments are not an error. */
export function unknownIn(words: readonly string[]): string | null {
  let command = WHOLE;
  let rest = [...words];
  while (command.commands.length > 0 && /^[a-z]/.test(rest[0] ?? '')) {
    const next = command.commands.find((each) => each.name() === rest[0]);
    if (next === undefined) return `there is no command "${rest[0]}"`;
    command = next;
    rest = rest.slice(1);
  }
  const flags = rest.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/=.*/, ''));
  const unknown = flags.find(
    (flag) => !command.options.some(({ long }) => long === flag) && flag !== '--help',
  );
  return unknown === undefined ? null : `"${command.name()}" has no option ${unknown}`;
}

/** Every option of every command. */
export function allOptions(): Set<string> {
  const options = new Set<string>(['--help']);
  const collect = (command: Command): void => {
    for (const { long } of command.options) if (long !== undefined) options.add(long);
    command.commands.forEach(collect);
  };
  collect(WHOLE);
  return options;
}
