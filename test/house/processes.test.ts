import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSources, ROOT } from './sources.ts';

/** What a test changes for all that run in its process, and vitest does not undo. */
const PROCESS_WIDE =
  /\bvi\.(?:do)?[mM]ock\(|\bremoveAllListeners\(|\bsendDebugTo\(|\bprocess\.(?:chdir|umask)\(/;

/** Folders whose files have a process each. */
const OTHERS = /^test\/(?:integration|arm64|avx2)\/|^test\/(?:ros|fleet)\/[^/]+$/;

it('unit tests that change the whole process are listed in vitest.config.ts, which runs them apart', () => {
  const config = readFileSync(join(ROOT, 'vitest.config.ts'), 'utf8');
  const listed = [...config.matchAll(/^ {2}'(test\/.*)',$/gm)].map(([, path]) => path);
  const changing = readSources(['test'], /\.ts$/)
    .filter(({ lines }) => lines.some((line) => PROCESS_WIDE.test(line)))
    .map(({ path }) => path)
    .filter((path) => !OTHERS.test(path) && path !== 'test/house/processes.test.ts');
  expect(changing.sort()).toEqual(listed);
});
