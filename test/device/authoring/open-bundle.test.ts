import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBundle } from '../../../src/device/authoring/open-bundle.ts';
import { foreignBytes } from './foreign-detector.ts';

let folder = '';
let lines: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-open-'));
  lines = [];
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const open = (reference: string, cache = join(folder, 'cache')) =>
  openBundle(reference, (line) => lines.push(line), cache);

async function put(name: string, bytes = foreignBytes({ layout: 'channels', classes: 3 })): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

it('imports an ONNX file once, and reports how it was interpreted', async () => {
  const file = await put('My Net.onnx');
  const bundle = await open(file);
  expect(bundle.manifest).toMatchObject({
    name: 'my-net',
    head: 'yolov8',
    labels: ['class0', 'class1', 'class2'],
  });
  expect(lines.join('\n')).toMatch(/imported as yolov8: 84 boxes as centers in pixels.*64x64[^]*are unnamed/);
  lines = [];
  expect((await open(file)).digest).toBe(bundle.digest);
  expect(lines).toEqual([expect.stringContaining('was imported before, as yolov8 of 64x64 with 3 classes')]);
  // under another name, the same bytes are another bundle in the same digest folder
  expect(await readdir(join(folder, 'cache'))).toHaveLength(1);
});

it('imports another file under the same path again', async () => {
  const file = await put('net.onnx');
  const first = await open(file);
  await put('net.onnx', foreignBytes({ layout: 'rows', classes: 3, strides: [16, 32] }));
  const second = await open(file);
  expect(second.digest).not.toBe(first.digest);
  expect(await readdir(join(folder, 'cache'))).toHaveLength(2);
});

it('repeats an import that was damaged since', async () => {
  const file = await put('net.onnx');
  const first = await open(file);
  await appendFile(join(first.folder, 'model.onnx'), 'x');
  expect((await open(file)).digest).toBe(first.digest);
});

it('continues without a cache that cannot be written', async () => {
  const file = await put('net.onnx');
  const blocked = await put('blocked', new Uint8Array());
  const bundle = await open(file, join(blocked, 'cache'));
  expect(bundle.manifest.head).toBe('yolov8');
  expect(lines.join('\n')).toMatch(/cannot be written: ENOTDIR/);
  await rm(join(bundle.folder, '..', '..'), { recursive: true });
});

it('imports one bundle if two processes import at the same time', async () => {
  const file = await put('net.onnx');
  const [first, second] = await Promise.all([open(file), open(file)]);
  expect(first.digest).toBe(second.digest);
});

it('does not change names of bundles', async () => {
  expect((await open('goshawk-street')).manifest.name).toBe('goshawk-street');
  await expect(open('no-such-bundle')).rejects.toMatchObject({ code: 'GOSHAWK_BUNDLE_NOT_FOUND' });
  await expect(open(join(folder, 'nowhere.onnx'))).rejects.toMatchObject({ code: 'GOSHAWK_FILE_UNREADABLE' });
});
