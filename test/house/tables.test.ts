import { describe, expect, it } from 'vitest';
import { PROVIDERS } from '../../src/contract/providers.ts';
import { HEADS } from '../../src/core/heads/head-table.ts';
import { readSources } from './sources.ts';

/** Lines that compare a variable of this name with one of the names. */
function comparisons(variable: string, names: readonly string[]): string[] {
  const pattern = new RegExp(`\\b${variable}\\b\\)? [!=]== '(${names.join('|')})'`, 'i');
  return readSources(['src'], /\.ts$/).flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

describe('what is true of one row only is a column of its table, not a comparison with its name', () => {
  it('heads (core/heads/head-table.ts)', () => {
    expect(comparisons('head', HEADS)).toEqual([]);
  });

  it('execution providers (contract/providers.ts)', () => {
    expect(comparisons('provider', PROVIDERS)).toEqual([]);
  });
});
