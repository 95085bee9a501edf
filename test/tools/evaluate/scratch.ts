import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder that is removed after the test file. `write` returns the path of a JSON file in it. */
export function scratchFolder(): { folder: string; write: (name: string, value: unknown) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-evaluate-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, value: unknown): string => {
    const file = join(folder, name);
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  };
  return { folder, write };
}
