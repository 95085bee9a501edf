import type { Command } from 'commander';

/** One file of commands. It is loaded only if one of them is wanted: all files together take seconds to load. */
export interface CommandRow {
  /** the commands that it adds */
  readonly names: readonly string[];
  /** @param words what follows the command's name */
  readonly add: (parent: Command, words: readonly string[]) => void | Promise<void>;
}

/**
 * Adds commands to their parent: those of the row that the first word names, or all if it names none, as for help and
 * for a command that does not exist.
 * @param words the command line after the parent's name
 */
export async function addCommands(
  parent: Command,
  rows: readonly CommandRow[],
  [name = '', ...rest]: readonly string[],
): Promise<void> {
  const wanted = rows.filter(({ names }) => names.includes(name));
  for (const { add } of wanted.length > 0 ? wanted : rows) await add(parent, rest);
}
