import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { JETSON_SCRIPTS } from './fake-board.ts';

const text = readFileSync(path.join(JETSON_SCRIPTS, 'jetpack-table.tsv'), 'utf8');
const [header = '', ...rows] = text
  .trim()
  .split('\n')
  .filter((line) => !line.startsWith('#'));

const number = (version: string) =>
  version.split('.').reduce((sum, part, index) => sum + Number(part) / 1000 ** index, 0);

describe('table of JetPack releases', () => {
  it('has the columns that the script reads, in its order', () => {
    expect(header.split('\t')).toEqual([
      'l4t',
      'jetpack',
      'ubuntu',
      'ros',
      'cuda',
      'tensorrt',
      'cudnn',
      'gpus',
    ]);
  });

  it.each(rows)('%s', (row) => {
    expect(row).toMatch(
      new RegExp(
        '^\\d+\\.\\d+\\.\\d+\\t[67]\\.\\d+(\\.\\d+)?\\t(22\\.04\\thumble|24\\.04\\tjazzy)\\t1[23]\\.\\d+\\t' +
          '10\\.\\d+\\t9\\.\\d+\\t(orin=87|thor=110|orin=87,thor=110)$',
      ),
    );
    const [l4t = '', jetpack = '', ubuntu, , cuda = ''] = row.split('\t');
    expect(jetpack.startsWith('6')).toBe(l4t.startsWith('36.'));
    expect(ubuntu).toBe(jetpack.startsWith('6') ? '22.04' : '24.04');
    expect(cuda.startsWith('12')).toBe(jetpack.startsWith('6'));
  });

  it('lists each release once, oldest first', () => {
    const releases = rows.map((row) => number(row.split('\t')[0] ?? ''));
    expect(releases).toEqual([...new Set(releases)].sort((a, b) => a - b));
    expect(releases.length).toBeGreaterThan(0);
  });
});
