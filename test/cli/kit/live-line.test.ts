import { expect, it } from 'vitest';
import { LiveLine, type LineOutput } from '../../../src/cli/kit/live-line.ts';

function output(isTTY: boolean): { out: LineOutput; texts: string[] } {
  const texts: string[] = [];
  const write = (text: unknown): boolean => texts.push(String(text)) > 0;
  return { out: { isTTY, columns: 12, write }, texts };
}

it('prints a line every few seconds into a file, and news immediately', () => {
  const { out, texts } = output(false);
  let now = 0;
  const line = new LiveLine(out, { everyMs: 5000, now: () => now });
  line.show('a');
  now = 4999;
  line.show('b');
  line.show('c', true);
  now = 9999;
  line.show('d');
  line.say('end');
  line.clear();
  expect(texts).toEqual(['a\n', 'c\n', 'd\n', 'end\n']);
});

it('rewrites one line on a terminal, cut to its width, and puts what stays in its place', () => {
  const { out, texts } = output(true);
  let now = 0;
  const line = new LiveLine(out, { now: () => now });
  line.show('0123456789abcdef');
  now = 50;
  line.show('too soon');
  line.say('stays');
  line.say('stays too');
  now = 100;
  line.show('live');
  line.clear();
  line.clear();
  const rewrite = '\r\u001b[2K';
  expect(texts).toEqual([
    `${rewrite}0123456789a`,
    `${rewrite}stays\n`,
    'stays too\n',
    `${rewrite}live`,
    rewrite,
  ]);
});
