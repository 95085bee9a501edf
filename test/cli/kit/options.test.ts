import { Command } from 'commander';
import { expect, it } from 'vitest';
import {
  anyNumber,
  autoOption,
  namesOf,
  numberFrom,
  repeated,
  sizeOption,
  textLike,
  threeNumbers,
  wholeFrom,
  type Parse,
} from '../../../src/cli/kit/options.ts';

const VERSION = textLike(/^\d+\.\d+$/, 'a version such as 1.2');

it.each<[string, Parse<unknown>, string, unknown]>([
  ['a number', anyNumber, '-1.5e3', -1500],
  ['a number with spaces around it', anyNumber, ' 7 ', 7],
  ['a bound', numberFrom(0, 1), '1', 1],
  ['a whole number', wholeFrom(0, 255), '255', 255],
  ['three numbers', threeNumbers, '1,2.5,-3', [1, 2.5, -3]],
  ['names', namesOf(['cuda', 'cpu']), 'cpu, cuda', ['cpu', 'cuda']],
  ['a text of a form', VERSION, '10.3', '10.3'],
])('%s is read', (_what, parse, text, value) => {
  expect(parse(text)).toEqual(value);
});

it.each<[string, Parse<unknown>, string, string]>([
  ['nothing', anyNumber, '', 'a number'],
  ['a blank', numberFrom(0, 1), ' ', 'from 0 to 1'],
  ['infinity', anyNumber, 'Infinity', 'a number'],
  ['a number that is too large', numberFrom(0, 1), '1.01', 'from 0 to 1'],
  ['not a number', numberFrom(0, 1), 'NaN', 'from 0 to 1'],
  ['a fraction', wholeFrom(1, 9), '1.5', 'a whole number from 1 to 9'],
  ['two numbers', threeNumbers, '1,2', 'three numbers'],
  ['four numbers', threeNumbers, '1,2,3,4', 'three numbers'],
  ['an unknown name', namesOf(['cuda', 'cpu']), 'cpu,npu', 'Known: cuda, cpu'],
  ['a text of another form', VERSION, '10', 'a version such as 1.2'],
])('%s is refused with what it must be', (_what, parse, text, words) => {
  expect(() => parse(text)).toThrow(words);
});

function parsed(args: readonly string[]): Record<string, unknown> {
  return new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .option('--camera <spec>', '', repeated)
    .addOption(sizeOption('--size <WxH>', '', { width: 640, height: 360 }))
    .addOption(autoOption('--threads <n>', '', 64))
    .parse(args, { from: 'user' })
    .opts();
}

it('options without a value have their defaults', () => {
  expect(parsed([])).toEqual({ size: { width: 640, height: 360 }, threads: 'auto' });
});

it('options take sizes, auto, and several values', () => {
  const args = ['--size', '1280x720', '--threads', 'auto', '--camera', 'sim', '--camera', 'dir:x'];
  expect(parsed(args)).toEqual({
    size: { width: 1280, height: 720 },
    threads: 'auto',
    camera: ['sim', 'dir:x'],
  });
  expect(parsed(['--threads', '4'])['threads']).toBe(4);
});

it.each(['0x720', '1280', '1280x', '12800x720', '1280x72.5', '-1x5'])('the size %s is refused', (size) => {
  expect(() => parsed(['--size', size])).toThrow('WIDTHxHEIGHT');
});
