import { describe, expect, it } from 'vitest';
import { ERROR_TEMPLATES } from '../../src/contract/errors.ts';
import { NOT_CHECKED, refusal } from './check-command.ts';
import { blocksOf, inlineCodeOf, readDocuments } from './documents.ts';
import { unknownIn } from './goshawk-command.ts';
import { commandsIn } from './shell.ts';

const blocks = readDocuments()
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'sh');

describe('commands in documents', () => {
  it.each(blocks.map(({ place, text }) => [place, text]))(
    '%s contains commands that would be accepted',
    async (_, text) => {
      const commands = commandsIn(text);
      expect(commands.length).toBeGreaterThan(0);
      const refused: string[] = [];
      for (const words of commands) {
        const reason = await refusal(words);
        if (reason !== null) refused.push(`${words.join(' ')}: ${reason}`);
      }
      expect(refused).toEqual([]);
    },
  );

  it('are known, or listed with a reason; and no listed one is gone', () => {
    const programs = new Set(blocks.flatMap(({ text }) => commandsIn(text).map(([program]) => program)));
    expect(Object.keys(NOT_CHECKED).filter((program) => !programs.has(program))).toEqual([]);
  });

  it('exist if they are mentioned in passing, with their options', () => {
    const wrong = readDocuments()
      .flatMap(inlineCodeOf)
      .map(
        ({ place, text }) => [place, /^(?:scripts\/with-ros )?goshawk ([a-z].*)$/.exec(text)?.[1]] as const,
      )
      .filter((entry): entry is readonly [string, string] => entry[1] !== undefined)
      .map(
        ([place, text]) => `${place}: ${unknownIn(commandsIn(text.replaceAll('|', ' | '))[0] ?? []) ?? ''}`,
      )
      .filter((line) => !line.endsWith(': '));
    expect(wrong).toEqual([]);
  });

  it('exist if an error advises them', () => {
    const wrong = Object.entries(ERROR_TEMPLATES).flatMap(([code, { message, fix }]) =>
      [...`${message} ${fix}`.matchAll(/"?goshawk ((?:[a-z]|-)[^",;()]*)/g)]
        .map(([, words = '']) => unknownIn(words.trim().split(/\s+/)))
        .filter((reason) => reason !== null)
        .map((reason) => `${code}: ${reason}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('commandsIn', () => {
  it('reads shell as written in documents', () => {
    expect(commandsIn('goshawk telemetry tail > a.txt')).toEqual([['goshawk', 'telemetry', 'tail']]);
    expect(commandsIn("A=1 goshawk run \\\n  --camera 'a b' # why\ncd x && ls | wc\n")).toEqual([
      ['goshawk', 'run', '--camera', 'a b'],
      ['cd', 'x'],
      ['ls'],
      ['wc'],
    ]);
    expect(commandsIn('train [--from RUN] [--resume] --model RUN|last.pt')).toEqual([
      ['train', '--from', 'RUN', '--resume', '--model', 'RUN|last.pt'],
    ]);
  });
});
