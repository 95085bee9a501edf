import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadBundle } from '../../src/model/bundle.ts';
import { packBundle } from '../../src/model/pack.ts';
import { defaultModelFolders, ModelRepository } from '../../src/model/repository.ts';
import { writeBundle } from '../../src/model/write-bundle.ts';
import { createHash } from 'node:crypto';
import type { BundleManifest } from '../../src/contract/bundle.ts';

const GRAPH = new TextEncoder().encode('stands for a graph');

function manifest(name: string, version: string): BundleManifest {
  return {
    schema: 'goshawk.bundle/1',
    name,
    version,
    head: 'yolox',
    labels: ['person'],
    input: { width: 64, height: 64, colorOrder: 'rgb', anchor: 'top-left', padValue: 114, resize: 'average' },
    thresholds: { score: 0.25, iou: 0.45, maxDetections: 300 },
    variants: [
      {
        id: 'fp32',
        file: 'model.onnx',
        sha256: createHash('sha256').update(GRAPH).digest('hex'),
        bytes: GRAPH.byteLength,
        precision: 'fp32',
        providers: ['cpu'],
        batch: { min: 1, max: 1 },
      },
    ],
    lineage: { createdAt: '2026-01-02T03:04:05.000Z', tool: 'test', parents: [] },
    parameters: 0,
    macs: 0,
  };
}

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'goshawk-repository-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const put = (folder: string, name: string, version: string) =>
  writeBundle(join(root, folder), manifest(name, version), new Map([['model.onnx', GRAPH]]));

describe('finding a bundle', () => {
  it('finds the newest version by name across all folders, and prefers the first folder in a tie', async () => {
    await put('a', 'yard', '1.9.0');
    await put('a', 'yard', '1.10.0-rc.1');
    await put('b', 'yard', '1.10.0');
    const twice = await put('a', 'yard', '1.10.0');
    const repository = new ModelRepository([join(root, 'a'), join(root, 'b')]);
    expect((await repository.load('yard')).folder).toBe(twice.folder);
    expect((await repository.load('yard@1.9.0')).manifest.version).toBe('1.9.0');
  });

  it('finds it by the path of its folder or manifest', async () => {
    const { folder } = await put('a', 'yard', '1.0.0');
    const repository = new ModelRepository([]);
    expect((await repository.load(folder)).folder).toBe(folder);
    expect((await repository.load(join(folder, 'bundle.json'))).folder).toBe(folder);
  });

  it.each(['nothing', 'yard@2.0.0', '', '../a/yard', '.hidden', '@1.0.0'])(
    'reports %j as not found',
    async (reference) => {
      await put('a', 'yard', '1.0.0');
      const repository = new ModelRepository([join(root, 'a')]);
      await expect(repository.load(reference)).rejects.toMatchObject({ code: 'GOSHAWK_BUNDLE_NOT_FOUND' });
    },
  );

  it('searches GOSHAWK_MODELS before the folders of the user and the package', () => {
    const folders = defaultModelFolders({ GOSHAWK_MODELS: '/x:/y', XDG_DATA_HOME: '/data' });
    expect(folders.slice(0, 3)).toEqual(['/x', '/y', '/data/goshawk/models']);
    expect(folders[3]).toMatch(/\/models$/);
  });
});

describe('listing', () => {
  it('reports broken entries instead of skipping them', async () => {
    await put('a', 'yard', '1.0.0');
    await mkdir(join(root, 'a', 'broken', '1.0.0'), { recursive: true });
    await writeFile(join(root, 'a', 'broken', '1.0.0', 'bundle.json'), '{"schema": "goshawk.bundle/1"}');
    const listings = await new ModelRepository([join(root, 'a'), join(root, 'absent')]).list();
    expect(
      listings.map((entry) => ('error' in entry ? entry.error.code : entry.bundle.manifest.name)),
    ).toEqual(['GOSHAWK_BUNDLE_INVALID', 'yard']);
  });
});

describe('a bundle that was tampered with', () => {
  it('is refused with both digests if a graph changed', async () => {
    const { folder } = await put('a', 'yard', '1.0.0');
    await appendFile(join(folder, 'model.onnx'), 'x');
    await expect(loadBundle(folder)).rejects.toMatchObject({
      code: 'GOSHAWK_BUNDLE_DIGEST',
      details: { file: 'model.onnx', expected: createHash('sha256').update(GRAPH).digest('hex') },
    });
  });

  it('is refused if a graph is missing', async () => {
    const { folder } = await put('a', 'yard', '1.0.0');
    await rm(join(folder, 'model.onnx'));
    await expect(loadBundle(folder)).rejects.toMatchObject({ code: 'GOSHAWK_FILE_UNREADABLE' });
  });

  it.each([
    ['a file outside the folder', (text: string) => text.replace('"model.onnx"', '"../model.onnx"'), 'file'],
    ['an unknown field', (text: string) => text.replace('"schema"', '"extra": 1, "schema"'), 'extra'],
    ['no JSON', () => '{', 'JSON'],
    ['no UTF-8', () => Buffer.from([0x7b, 0xff, 0x7d]), ''],
  ])('is refused for %s', async (_, change, named) => {
    const { folder } = await put('a', 'yard', '1.0.0');
    const file = join(folder, 'bundle.json');
    await writeFile(file, change(await readFile(file, 'utf8')));
    await expect(loadBundle(folder)).rejects.toMatchObject({
      code: 'GOSHAWK_BUNDLE_INVALID',
      message: expect.stringContaining(named) as string,
    });
  });
});

describe('writing', () => {
  it('lets everyone who may read the model folder read the bundle', async () => {
    const { folder } = await put('a', 'yard', '1.0.0');
    expect((await stat(folder)).mode).toBe((await stat(join(root, 'a', 'yard'))).mode);
  });

  it('leaves nothing behind if files do not match the manifest', async () => {
    const wrong = new Map([['model.onnx', new Uint8Array(3)]]);
    await expect(writeBundle(join(root, 'a'), manifest('yard', '1.0.0'), wrong)).rejects.toMatchObject({
      code: 'GOSHAWK_BUNDLE_DIGEST',
    });
    expect(await readdir(join(root, 'a', 'yard'))).toEqual([]);
  });

  it('lets one of two concurrent writers win, refuses the other, and mixes nothing', async () => {
    const results = await Promise.allSettled([put('a', 'yard', '1.0.0'), put('a', 'yard', '1.0.0')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await readdir(join(root, 'a', 'yard'))).toEqual(['1.0.0']);
    await loadBundle(join(root, 'a', 'yard', '1.0.0'));
  });

  it('follows a folder that is a symbolic link', async () => {
    await put('real', 'yard', '1.0.0');
    await mkdir(join(root, 'linked'));
    await symlink(join(root, 'real', 'yard'), join(root, 'linked', 'yard'));
    expect((await new ModelRepository([join(root, 'linked')]).load('yard')).manifest.version).toBe('1.0.0');
  });
});

it('packs a bundle into the same bytes each time', async () => {
  const bundle = await put('a', 'yard', '1.0.0');
  await packBundle(bundle, join(root, 'one.tar'));
  await packBundle(bundle, join(root, 'two.tar'));
  const one = await readFile(join(root, 'one.tar'));
  expect(Buffer.compare(one, await readFile(join(root, 'two.tar')))).toBe(0);
  expect(one.byteLength % 512).toBe(0);
  expect(one.includes('accuracy-fit.json')).toBe(false);
});

it('packs an accuracy fit that lies beside the manifest', async () => {
  const bundle = await put('a', 'yard', '1.0.0');
  await writeFile(join(bundle.folder, 'accuracy-fit.json'), '{}');
  await packBundle(bundle, join(root, 'fitted.tar'));
  expect((await readFile(join(root, 'fitted.tar'))).includes('accuracy-fit.json')).toBe(true);
});
