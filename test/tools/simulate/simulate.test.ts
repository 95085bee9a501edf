import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cocoAnnotationsSchema } from '../../../src/contract/coco.ts';
import { SCENE_LABELS } from '../../../src/sim/labels.ts';
import { renderSample, sceneSeed } from '../../../src/sim/sample.ts';
import { SceneRenderer, SIMULATOR_VERSION } from '../../../src/sim/scene.ts';
import { decodeToRgb } from '../../../src/device/imaging/decode-image.ts';
import { cocoOf, type CocoDataset, type RawIndex } from '../../../src/tools/simulate/annotations.ts';
import { SIMULATE_DEFAULTS, type SimulateOptions } from '../../../src/tools/simulate/options.ts';
import { simulate } from '../../../src/tools/simulate/simulate.ts';

const WIDTH = 160;
const HEIGHT = 96;
let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'goshawk-simulate-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function options(change: Partial<SimulateOptions> = {}): SimulateOptions {
  return {
    ...SIMULATE_DEFAULTS,
    out: join(root, 'set'),
    count: 5,
    seed: 11,
    width: WIDTH,
    height: HEIGHT,
    ...change,
  };
}

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(root, 'set', name), 'utf8')) as T;
}

function expected(index: number): { rgb: Uint8Array; objects: ReturnType<typeof renderSample>['objects'] } {
  const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
  const { objects } = renderSample(new SceneRenderer(WIDTH, HEIGHT), 11, index, {}, rgb);
  return { rgb, objects };
}

describe('simulate, COCO', () => {
  it('writes images with matching annotations', async () => {
    const seen: number[] = [];
    const result = await simulate(options({ image: 'png' }), (done, total) => {
      expect(total).toBe(5);
      seen.push(done);
    });
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    const data = await readJson<CocoDataset>('annotations.json');
    expect(() => cocoAnnotationsSchema.parse(data)).not.toThrow();
    expect(data.info).toMatchObject({ version: SIMULATOR_VERSION, seed: 11 });
    expect(data.categories.map(({ id, name }) => [id, name])).toEqual(
      SCENE_LABELS.map((name, i) => [i + 1, name]),
    );
    expect(data.annotations).toHaveLength(result.objects);
    expect(new Set(data.annotations.map(({ id }) => id)).size).toBe(result.objects);
    expect((await readdir(join(root, 'set', 'images'))).sort()).toEqual(
      data.images.map((image) => image.file_name),
    );
    for (const [index, image] of data.images.entries()) {
      const { rgb, objects } = expected(index);
      const file = new Uint8Array(await readFile(join(root, 'set', 'images', image.file_name)));
      const decoded = await decodeToRgb({ format: 'png', data: file });
      expect([decoded.width, decoded.height]).toEqual([WIDTH, HEIGHT]);
      expect(Buffer.compare(decoded.data, rgb)).toBe(0);
      expect(image.scene_seed).toBe(sceneSeed(11, index));
      const boxes = data.annotations.filter((one) => one.image_id === image.id);
      expect(
        boxes.map(({ category_id, bbox: [x, y, w, h] }) => [category_id - 1, x, y, x + w, y + h]),
      ).toEqual(objects.map(({ classIndex, box }) => [classIndex, ...box]));
      for (const { area, bbox, iscrowd } of boxes) {
        expect(area).toBe(bbox[2] * bbox[3]);
        expect(iscrowd).toBe(0);
      }
    }
  });

  it('writes JPEG by default', async () => {
    await simulate(options({ count: 2 }));
    const [name] = await readdir(join(root, 'set', 'images'));
    const file = await readFile(join(root, 'set', 'images', name!));
    expect([...file.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  });

  it('applies fixed conditions to every scene', async () => {
    await simulate(options({ conditions: { fog: 0.25, tilt: 3 } }));
    const data = await readJson<CocoDataset>('annotations.json');
    for (const { conditions } of data.images) expect(conditions).toMatchObject({ fog: 0.25, tilt: 3 });
    expect(new Set(data.images.map(({ conditions }) => conditions.light)).size).toBe(5);
  });

  it('writes no boxes for an empty scene', () => {
    const scene = { index: 0, sceneSeed: 1, time: 0, conditions: {} as never, objects: [] };
    expect(cocoOf(options({ count: 1 }), [scene]).annotations).toEqual([]);
  });
});

describe('simulate, raw', () => {
  it.each([1, 2])('writes frames in order with their boxes, with %i threads', async (workers) => {
    await simulate(options({ format: 'raw', workers }));
    const index = await readJson<RawIndex>('boxes.json');
    const frames = new Uint8Array(await readFile(join(root, 'set', 'frames.u8')));
    expect(frames).toHaveLength(5 * WIDTH * HEIGHT * 3);
    expect(index).toMatchObject({
      count: 5,
      width: WIDTH,
      height: HEIGHT,
      channels: 3,
      labels: [...SCENE_LABELS],
    });
    index.boxes.forEach((boxes, i) => {
      const { rgb, objects } = expected(i);
      expect(Buffer.compare(frames.subarray(i * rgb.length, (i + 1) * rgb.length), rgb)).toBe(0);
      expect(boxes).toEqual(objects.map(({ classIndex, box }) => [classIndex, ...box]));
    });
  });
});

describe('simulate refuses', () => {
  it.each([
    { count: 0 },
    { count: 1.5 },
    { seed: -1 },
    { seed: 2 ** 32 },
    { width: 8 },
    { height: 4000 },
    { workers: 0 },
    { quality: 101 },
    { conditions: { fog: 1.1 } },
    { conditions: { light: Number.NaN } },
    { format: 'voc' as never },
  ])('$0 and writes nothing', async (change) => {
    await expect(simulate(options(change))).rejects.toMatchObject({ code: 'GOSHAWK_PARAMETER_INVALID' });
    expect(await readdir(root)).toEqual([]);
  });

  it('a folder that is not empty, and leaves it unchanged', async () => {
    await mkdir(join(root, 'set'));
    await writeFile(join(root, 'set', 'notes.txt'), 'mine');
    await expect(simulate(options())).rejects.toMatchObject({ code: 'GOSHAWK_OUTPUT_REFUSED' });
    expect(await readdir(root)).toEqual(['set']);
    expect(await readFile(join(root, 'set', 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('a place that cannot be written', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(simulate(options({ out: join(root, 'file', 'set') }))).rejects.toMatchObject({
      code: 'GOSHAWK_OUTPUT_REFUSED',
    });
    expect(await readdir(root)).toEqual(['file']);
  });

  it('to continue after an abort, and removes what it wrote', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const running = simulate(options(), (done) => done === 2 && stop.abort(reason), stop.signal);
    await expect(running).rejects.toBe(reason);
    expect(await readdir(root)).toEqual([]);
  });

  it.each([1, 2])(
    'to leave half a data set behind when it fails midway, with %i threads',
    async (workers) => {
      const failing = simulate(options({ workers }), (done) => {
        if (done === 3) throw new Error('the disk is full');
      });
      await expect(failing).rejects.toMatchObject({ code: 'GOSHAWK_OUTPUT_REFUSED' });
      expect(await readdir(root)).toEqual([]);
    },
  );
});
