import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { digestOf, writeError, WorkFolder } from '../../../src/tools/optimize/work-folder.ts';
import { scratchFolder } from './scratch.ts';

const root = scratchFolder();
const schema = z.object({ n: z.number() });

/** A step that counts how often it is done and writes one file. */
function counted(work: WorkFolder, inputs: Record<string, unknown>, content = 'graph') {
  const done = { times: 0 };
  const run = () =>
    work.step('make', inputs, schema, ['model.onnx'], async (place) => {
      done.times += 1;
      await writeFile(place('model.onnx'), content);
      return { n: 7 };
    });
  return { done, run };
}

describe('WorkFolder', () => {
  it('does a step once for the same inputs, even across runs', async () => {
    const folder = join(root, 'later');
    const first = await WorkFolder.open(folder, false);
    const { done, run } = counted(first, { a: 1, b: [2, { c: 3 }] });
    expect((await run()).reused).toBe(false);
    expect((await run()).reused).toBe(true);
    await first.close();
    const second = await WorkFolder.open(folder, false);
    const again = counted(second, { b: [2, { c: 3 }], a: 1 });
    const result = await again.run();
    expect(result).toMatchObject({ value: { n: 7 }, reused: true });
    expect(readFileSync(second.place(result.key, 'model.onnx'), 'utf8')).toBe('graph');
    expect([done.times, again.done.times]).toEqual([1, 0]);
    expect((await counted(second, { a: 2 }).run()).reused).toBe(false);
    await second.close();
  });

  it.each([
    [
      'its file was changed',
      (folder: string) => writeFileSync(join(folder, 'files', readdirSync(join(folder, 'files'))[0]!), 'x'),
    ],
    [
      'its file is gone',
      (folder: string) => truncateSync(join(folder, 'files', readdirSync(join(folder, 'files'))[0]!)),
    ],
    [
      'its record was cut short',
      (folder: string) => truncateSync(join(folder, 'steps', readdirSync(join(folder, 'steps'))[0]!), 20),
    ],
  ])('repeats a step if %s', async (name, harm) => {
    const folder = join(root, name);
    const work = await WorkFolder.open(folder, false);
    const { done, run } = counted(work, {});
    await run();
    harm(folder);
    expect((await run()).reused).toBe(false);
    expect(done.times).toBe(2);
    expect((await run()).reused).toBe(true);
    await work.close();
  });

  it('keeps nothing of a failed step', async () => {
    const folder = join(root, 'failed');
    const work = await WorkFolder.open(folder, false);
    const failing = work.step('make', {}, schema, [], () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(join(folder, 'steps'))).toEqual([]);
    await work.close();
  });

  it('discards everything for a fresh start', async () => {
    const folder = join(root, 'fresh');
    const work = await WorkFolder.open(folder, false);
    await counted(work, {}).run();
    await work.close();
    const again = await WorkFolder.open(folder, true);
    expect((await counted(again, {}).run()).reused).toBe(false);
    await again.close();
  });

  it('belongs to one run at a time', async () => {
    const folder = join(root, 'busy');
    const work = await WorkFolder.open(folder, false);
    await expect(WorkFolder.open(folder, false)).rejects.toMatchObject({
      code: 'GOSHAWK_OPTIMIZE_BUSY',
      details: { pid: process.pid },
    });
    await work.close();
    await (await WorkFolder.open(folder, false)).close();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  it('names the folder that cannot be written', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(WorkFolder.open(join(root, 'file/work'), false)).rejects.toMatchObject({
      code: 'GOSHAWK_OUTPUT_REFUSED',
    });
  });

  it('reports a full disk with its own code', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const work = await WorkFolder.open(join(root, 'full'), false);
    await expect(work.step('make', {}, schema, [], () => Promise.reject(full))).rejects.toMatchObject({
      code: 'GOSHAWK_NO_SPACE',
      details: { path: join(root, 'full') },
    });
    await work.close();
    expect(writeError('x', new Error('other'))).toEqual(new Error('other'));
  });
});

describe('digestOf', () => {
  it('does not depend on the order of keys, and differs if a value does', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(digestOf(turned)).toBe(digestOf(value));
        expect(digestOf({ ...value, one: 'more', and: value })).not.toBe(digestOf(value));
      }),
    );
  });
});
