import { describe, expect, it } from 'vitest';
import { GoshawkError } from '../../../src/contract/errors.ts';
import {
  readDataset,
  readResults,
  toResults,
  type DatasetOptions,
} from '../../../src/tools/evaluate/dataset.ts';
import { scratchFolder } from './scratch.ts';

const { write, folder } = scratchFolder();
const options: DatasetOptions = { labels: null, bundle: 'toy@1.0.0', ignoreUnknown: false, limit: null };

const image = { id: 7, file_name: 'seven.jpg', width: 100, height: 50 };
const annotation = { id: 1, image_id: 7, category_id: 90, bbox: [10, 20, 30, 10], area: 120, iscrowd: 0 };
const categories = [
  { id: 90, name: 'car' },
  { id: 3, name: 'person' },
];
const coco = {
  images: [image, { ...image, id: 2, file_name: 'two.jpg' }],
  annotations: [annotation, { id: 2, image_id: 2, category_id: 3, bbox: [0, 0, 10, 10], iscrowd: 1 }],
  categories,
};

async function codeAndMessage(promise: Promise<unknown>): Promise<[string, string]> {
  const error: unknown = await promise.then(
    () => new Error('it was taken'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GoshawkError);
  const { code, message } = error as GoshawkError;
  return [code, message];
}

describe('readDataset', () => {
  it('numbers images by id and classes by label, whatever their ids', async () => {
    const file = write('good.json', coco);
    const dataset = await readDataset(file, { ...options, labels: ['person', 'bird', 'car'] });
    expect(dataset.images.map(({ id }) => id)).toEqual([2, 7]);
    expect(dataset.categoryIds).toEqual([3, null, 90]);
    expect(dataset.truths).toEqual([
      { image: 1, classIndex: 2, x: 10, y: 20, width: 30, height: 10, area: 120, crowd: false },
      { image: 0, classIndex: 0, x: 0, y: 0, width: 10, height: 10, area: 100, crowd: true },
    ]);
    expect(dataset.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('uses the file’s own categories by id if there are no labels', async () => {
    const dataset = await readDataset(write('own.json', coco), options);
    expect([dataset.labels, dataset.categoryIds]).toEqual([
      ['person', 'car'],
      [3, 90],
    ]);
  });

  it('skips images beyond the limit with their objects', async () => {
    const dataset = await readDataset(write('limit.json', coco), { ...options, limit: 1 });
    expect([dataset.images.length, dataset.truths.length, dataset.truths[0]!.image]).toEqual([1, 1, 0]);
  });

  it('names categories without a label, and ignores them on request', async () => {
    const file = write('unknown.json', coco);
    const [code, message] = await codeAndMessage(readDataset(file, { ...options, labels: ['person'] }));
    expect(code).toBe('GOSHAWK_CATEGORY_UNKNOWN');
    expect(message).toMatch(/unknown\.json have no label in toy@1\.0\.0: car$/);
    const dataset = await readDataset(file, { ...options, labels: ['person'], ignoreUnknown: true });
    expect(dataset.truths.map(({ classIndex }) => classIndex)).toEqual([0]);
    const none = readDataset(file, { ...options, labels: ['bird'], ignoreUnknown: true });
    expect((await codeAndMessage(none))[0]).toBe('GOSHAWK_CATEGORY_UNKNOWN');
  });

  const only = (changed: object): unknown => ({ ...coco, annotations: [{ ...annotation, ...changed }] });
  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /JSON/],
    ['another format', { pictures: [] }, /images: /],
    ['no image', { ...coco, images: [], annotations: [] }, /has no image/],
    ['an image twice', { ...coco, images: [image, image] }, /image 7 appears twice/],
    [
      'a category twice',
      { ...coco, categories: [categories[0], categories[0]] },
      /category 90 appears twice/,
    ],
    ['an annotation twice', { ...coco, annotations: [annotation, annotation] }, /annotation 1 appears twice/],
    ['no such image', only({ image_id: 8 }), /annotation 1: there is no image 8/],
    ['no such category', only({ category_id: 1 }), /annotation 1: there is no category 1/],
    [
      'a box beyond the image',
      only({ bbox: [90, 20, 30, 10] }),
      /annotation 1: its box 90, 20, 30, 10 extends beyond.*100x50/,
    ],
    ['a negative width', only({ bbox: [0, 0, -5, 5] }), /annotations\.0\.bbox\.2: a width is never negative/],
    ['a box of three numbers', only({ bbox: [0, 0, 5] }), /annotations\.0\.bbox/],
    [
      'a path out of the folder',
      { ...coco, images: [{ ...image, file_name: '../x.jpg' }], annotations: [] },
      /leads outside/,
    ],
    [
      'an absolute path',
      { ...coco, images: [{ ...image, file_name: '/x.jpg' }], annotations: [] },
      /leads outside/,
    ],
  ])('refuses %s', async (name, content, words) => {
    const [code, message] = await codeAndMessage(readDataset(write(`${name}.json`, content), options));
    expect(code).toBe('GOSHAWK_DATASET_INVALID');
    expect(message).toMatch(words);
  });

  it('names the file that cannot be read', async () => {
    const [code, message] = await codeAndMessage(readDataset(`${folder}/nowhere.json`, options));
    expect([code, message]).toEqual(['GOSHAWK_FILE_UNREADABLE', expect.stringContaining('nowhere.json')]);
  });
});

describe('readResults', () => {
  const results = [{ image_id: 7, category_id: 90, bbox: [1, 2, 3, 4], score: 0.5 }];

  it('reads back what toResults wrote', async () => {
    const dataset = await readDataset(write('truth.json', coco), options);
    const boxes = await readResults(write('found.json', results), dataset, false);
    expect(boxes).toEqual([{ image: 1, classIndex: 1, x: 1, y: 2, width: 3, height: 4, score: 0.5 }]);
    expect(toResults(dataset, boxes)).toEqual(results);
  });

  it('refuses an image that is not in the data set, and skips it if images were limited', async () => {
    const file = write('found.json', results);
    const part = await readDataset(write('truth.json', coco), { ...options, limit: 1 });
    expect((await codeAndMessage(readResults(file, part, false)))[1]).toMatch(/image 7 is not in/);
    expect(await readResults(file, part, true)).toEqual([]);
  });

  it('skips labels without a category in the data set when writing', async () => {
    const dataset = await readDataset(write('truth.json', coco), {
      ...options,
      labels: ['bird', 'car', 'person'],
    });
    const box = { image: 0, x: 0, y: 0, width: 1, height: 1, score: 1 };
    const written = toResults(dataset, [
      { ...box, classIndex: 0 },
      { ...box, classIndex: 1 },
    ]);
    expect(written.map(({ category_id }) => category_id)).toEqual([90]);
  });
});
