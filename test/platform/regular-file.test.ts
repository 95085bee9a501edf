import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadBundle } from '../../src/model/bundle.ts';
import { importModel } from '../../src/device/authoring/import-model.ts';
import { readRegularFile } from '../../src/platform/regular-file.ts';
import { foreignBytes } from '../device/authoring/foreign-detector.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-regular-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function makeFifo(name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

it('a FIFO, a device and a folder are refused immediately', async () => {
  for (const path of [makeFifo('fifo'), '/dev/zero', folder]) {
    await expect(readRegularFile(path, 1000)).rejects.toThrow(`${path} is not a regular file`);
  }
});

it('a file larger than the limit is refused, one of its size is read', async () => {
  const path = join(folder, 'ten');
  await writeFile(path, '0123456789');
  await expect(readRegularFile(path, 9)).rejects.toThrow('has 10 bytes, 9 at most');
  expect(await readRegularFile(path, 10)).toHaveLength(10);
});

it('a model and a variant of a bundle that are FIFOs are refused', async () => {
  const fifo = makeFifo('model.onnx');
  const facts = { out: join(folder, 'models'), version: '1.0.0', labels: ['person', 'car'], tool: 'test' };
  await expect(importModel({ ...facts, file: fifo, name: 'fifo' })).rejects.toMatchObject({
    code: 'GOSHAWK_FILE_UNREADABLE',
  });
  const file = join(folder, 'plain.onnx');
  await writeFile(file, foreignBytes({ layout: 'channels' }));
  const { bundle } = await importModel({ ...facts, file, name: 'plain' });
  await rm(join(bundle.folder, 'model.onnx'));
  execFileSync('mkfifo', [join(bundle.folder, 'model.onnx')]);
  await expect(loadBundle(bundle.folder)).rejects.toMatchObject({ code: 'GOSHAWK_FILE_UNREADABLE' });
});
