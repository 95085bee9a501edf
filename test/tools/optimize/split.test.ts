import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectImages, splitDataset } from '../../../src/tools/optimize/split.ts';
import type { Dataset } from '../../../src/tools/evaluate/dataset.ts';

/** Images with objects of the given classes. */
function dataset(classes: readonly (readonly number[])[]): Dataset {
  return {
    file: 'labels.json',
    digest: 'd'.repeat(64),
    images: classes.map((_, id) => ({ id, file: `${id}.jpg`, width: 10, height: 10 })),
    labels: ['a', 'b', 'c'],
    categoryIds: [1, 2, 3],
    truths: classes.flatMap((list, image) =>
      list.map((classIndex) => {
        return { image, classIndex, x: 0, y: 0, width: 5, height: 5, area: 25, crowd: false };
      }),
    ),
  };
}

const pictures = fc.array(fc.array(fc.nat(2), { maxLength: 4 }), { minLength: 3, maxLength: 60 });
/** Images that all differ. */
const distinct = (set: Dataset): string[] => set.images.map(({ file }) => file);

const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });

describe('splitDataset', () => {
  it('assigns every image to one part, the same for the same seed', () => {
    fc.assert(
      fc.property(pictures, share, fc.integer({ min: 1, max: 50 }), fc.nat(), (classes, s, most, seed) => {
        const set = dataset(classes);
        const split = splitDataset(set, distinct(set), s, most, seed);
        const all = [...split.search.images, ...split.choice.images, ...split.final.images].sort(
          (a, b) => a - b,
        );
        expect(all).toEqual(classes.map((_, image) => image));
        expect(split.search.images.length).toBeGreaterThan(0);
        expect(split.search.images.length).toBeLessThanOrEqual(most);
        const [choice, final] = [split.choice.images.length, split.final.images.length];
        expect(choice).toBeGreaterThan(0);
        expect([0, 1]).toContain(final - choice);
        expect(split.search.objects + split.choice.objects + split.final.objects).toBe(set.truths.length);
        expect(splitDataset(set, distinct(set), s, most, seed)).toEqual(split);
      }),
    );
  });

  it('distributes images with many classes evenly', () => {
    const rich = [0, 1, 2];
    const set = dataset([
      ...Array.from({ length: 10 }, () => rich),
      ...Array.from({ length: 30 }, () => [0]),
    ]);
    for (let seed = 0; seed < 20; seed += 1) {
      const { search } = splitDataset(set, distinct(set), 0.5, 100, seed);
      expect(search.images.filter((image) => image < 10)).toHaveLength(5);
    }
  });

  it('keeps images with the same pixels in one part', () => {
    fc.assert(
      fc.property(pictures, share, fc.nat(), fc.nat(20), (classes, s, seed, kinds) => {
        const set = dataset(classes);
        const pixels = set.images.map((_, i) => String(i % (kinds + 1)));
        const split = splitDataset(set, pixels, s, 50, seed);
        const parts = [split.search, split.choice, split.final].map(({ images }) => images);
        expect(parts.flat().sort((a, b) => a - b)).toEqual(classes.map((_, image) => image));
        const kindsOf = parts.map((images) => new Set(images.map((image) => pixels[image])));
        expect(kindsOf.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(pixels).size);
      }),
    );
  });

  it('differs between seeds, and so does the digest', () => {
    const set = dataset(Array.from({ length: 20 }, () => [0]));
    const digests = new Set(
      Array.from({ length: 10 }, (_, seed) => splitDataset(set, distinct(set), 0.5, 100, seed).search.digest),
    );
    expect(digests.size).toBe(10);
  });
});

describe('selectImages', () => {
  it('keeps the boxes of the images and renumbers the images', () => {
    const { truths } = dataset([[0], [1], [2], [0, 1]]);
    const set = selectImages([1, 3], 3, truths, []);
    expect(set.images).toBe(2);
    expect(set.truths.map(({ image, classIndex }) => [image, classIndex])).toEqual([
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
  });
});
