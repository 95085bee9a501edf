import { existsSync } from 'node:fs';
import path from 'node:path';
import { copyPages } from './copy-pages.mjs';
import { PLACES, ROOT } from './paths.mjs';
import { run } from './run.mjs';
import { isFresh, keyOf, keyOfFiles, removeStamp, writeStamp } from './stamps.mjs';

const STAMP = 'build';
const CONFIGURATION = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) =>
  path.join(ROOT, name),
);

/**
 * Compiles src/ to dist/, with its pages, if something changed. Types are not checked here (a test does that),
 * so that start-up neither waits for type checking nor fails because of it.
 * @param {(activity: string) => void} say
 */
export async function ensureBuild(say) {
  const key = keyOf([keyOfFiles([path.join(ROOT, 'src'), ...CONFIGURATION])]);
  if (isFresh(STAMP, key) && existsSync(path.join(PLACES.dist, 'cli.js'))) return;
  removeStamp(STAMP);
  say('compiling TypeScript');
  const tsc = path.join(PLACES.nodeModules, 'typescript/bin/tsc');
  await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck'], {
    log: 'typescript',
    what: 'the TypeScript build',
    fix: 'npm run build shows the errors',
  });
  copyPages();
  writeStamp(STAMP, key);
}
