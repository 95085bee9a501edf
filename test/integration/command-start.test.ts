import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childEnvironment } from '../../src/platform/child-environment.ts';
import { runChild } from '../../src/platform/child-process.ts';
import { CLI } from '../support/programs.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-start-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Prints the modules that a command loaded, when it ends. */
const LIST = `
import { registerHooks } from 'node:module';
const urls = [];
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
process.on('exit', () => console.log(urls.join('\\n')));
`;

/** `goshawk models list` with code cached below a folder. */
async function listModels(cache: string, ...node: readonly string[]): Promise<string> {
  const { output } = await runChild({
    command: process.execPath,
    args: [...node, CLI, 'models', 'list'],
    env: { ...childEnvironment(), NODE_COMPILE_CACHE: '', XDG_CACHE_HOME: cache },
    keptOutput: 1_000_000,
  });
  return output;
}

describe('the start of a command', () => {
  it('loads no library that the command does without', async () => {
    const hook = join(folder, 'list.mjs');
    writeFileSync(hook, LIST);
    const output = await listModels(join(folder, 'cache'), '--import', hook);
    expect(output).toMatch(/^file:.*src\/model\/repository\.ts$/m);
    expect(output).not.toMatch(/node_modules\/(onnxruntime-node|sharp|fastify|mqtt|aedes|pg|prom-client)\//);
  });

  it('keeps compiled code in the cache folder of the user', async () => {
    const cache = join(folder, 'kept');
    await listModels(cache);
    expect(readdirSync(join(cache, 'goshawk/code'))).toHaveLength(1);
  });

  it('does without where there can be none', async () => {
    expect(await listModels('/dev/null/none')).toMatch(/^goshawk-street@/m);
  });
});
