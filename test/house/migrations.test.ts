import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../src/fleet/store/migrations');

it('migrations of the database have numbers without a gap, each once', () => {
  const numbers = readdirSync(FOLDER)
    .map((name) => Number(/^(\d{3})-[a-z0-9-]+\.sql$/.exec(name)?.[1]))
    .sort((one, other) => one - other);
  expect(numbers).toEqual(numbers.map((_number, at) => at + 1));
});
