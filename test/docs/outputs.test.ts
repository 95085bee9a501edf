import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { makeProgram } from '../../src/cli/program.ts';
import { ERROR_TEMPLATES } from '../../src/contract/errors.ts';
import { blocksOf, readDocuments, ROOT, type Block } from './documents.ts';
import { commandsIn } from './shell.ts';

const blocks = readDocuments().flatMap(blocksOf);

/**
 * Commands whose output is shown after them in documents and is the same everywhere: they only read what comes with the
 * project.
 */
const SHOWN = ['goshawk models lineage goshawk-street-baseline'];

/** The document that shows a command, and the block that follows it. */
function shownBehind(command: string): { path: string; text: string; block: Block } {
  for (const document of readDocuments()) {
    const blocks = blocksOf(document);
    const at = blocks.findIndex(({ language, text }) => language === 'sh' && endsIn(text, command));
    const block = blocks[at + 1];
    if (at >= 0 && block !== undefined) return { ...document, block };
  }
  throw new Error(`no document shows what "${command}" prints`);
}

function endsIn(shell: string, command: string): boolean {
  const last = commandsIn(shell).at(-1)?.join(' ');
  return last?.replace(/^scripts\/with-ros /, '') === command;
}

it.each(SHOWN)('%s prints what the document shows (npm run generate rewrites it)', async (command) => {
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  const home = process.env['XDG_DATA_HOME'];
  // models of the user who runs the test do not count
  process.env['XDG_DATA_HOME'] = '/nonexistent';
  try {
    await (await makeProgram(['models'])).parseAsync(command.split(' ').slice(1), { from: 'user' });
  } finally {
    log.mockRestore();
    if (home === undefined) delete process.env['XDG_DATA_HOME'];
    else process.env['XDG_DATA_HOME'] = home;
  }
  const { path, text, block } = shownBehind(command);
  const updated = text.replace(block.text, () => printed.join('\n').trim());
  await expect(updated).toMatchFileSnapshot(join(ROOT, path));
});

it('errors shown are those of the code', () => {
  const shown = blocks.flatMap(({ text, place }) =>
    text.split('\n').flatMap((line) => {
      const [, code = '', rest = ''] = /^(GOSHAWK_[A-Z_]+): (.*)$/.exec(line) ?? [];
      return code === '' ? [] : [{ place, code, rest }];
    }),
  );
  expect(shown.length).toBeGreaterThan(0);
  for (const { place, code, rest } of shown) {
    const { message, fix } = ERROR_TEMPLATES[code as keyof typeof ERROR_TEMPLATES];
    expect(rest, place).toMatch(new RegExp(`^${pattern(message)} \\(${pattern(fix)}\\)$`));
  }
});

function pattern(template: string): string {
  return template
    .split(/\{\w+\}/)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*');
}
