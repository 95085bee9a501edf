import { createHash } from 'node:crypto';
import { createRandom } from '../../core/random.ts';
import type { DetectedBox, EvaluationSet, TruthBox } from '../../core/evaluation/boxes.ts';
import type { Dataset } from '../evaluate/dataset.ts';

/** A part of the labeled images. */
export interface DatasetPart {
  /** indices in the data set, ascending */
  readonly images: readonly number[];
  /** objects that count (crowds left out) */
  readonly objects: number;
  /** sha256 over the data set's digest and the names of the part's images */
  readonly digest: string;
}

export interface Split {
  /** images that the search may use */
  readonly search: DatasetPart;
  /** images for choosing among the finalists after the search */
  readonly choice: DatasetPart;
  /** images for the final measurements; nothing is chosen by them */
  readonly final: DatasetPart;
}

/** Minimum number of images: one for each part. */
export const FEWEST_PICTURES = 3;

/**
 * Splits the labeled images in three, determined by the seed: one part for the search, and half of the rest
 * each for the choice and the final measurements. Images with many classes are dealt first, so that rare
 * classes do not all end up in one part. Duplicate images are in the same part.
 *
 * @param pixelDigests of each image
 * @param share of the images for the search, 0..1; each part gets at least one image if all differ
 * @param most maximum number of images for the search; more would only take longer
 */
export function splitDataset(
  dataset: Dataset,
  pixelDigests: readonly string[],
  share: number,
  most: number,
  seed: number,
): Split {
  const order = dataset.images.map((_, index) => index);
  const random = createRandom(seed);
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = random.int(0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const classes = dataset.images.map((): Set<number> => new Set());
  for (const { image, classIndex } of dataset.truths) classes[image]!.add(classIndex);
  // sorting is stable, so images with equally many classes stay in drawn order
  order.sort((a, b) => classes[b]!.size - classes[a]!.size);
  const alike = new Map<string, number[]>();
  for (const image of order) {
    const digest = pixelDigests[image] ?? '';
    alike.set(digest, [...(alike.get(digest) ?? []), image]);
  }
  const wanted = Math.min(most, Math.max(1, Math.min(order.length - 2, Math.round(share * order.length))));
  const [search, rest] = deal([...alike.values()], wanted);
  const [choice, final] = deal(rest, Math.max(1, Math.floor(rest.flat().length / 2)));
  const part = (groups: readonly (readonly number[])[]): DatasetPart => partOf(dataset, groups.flat());
  return { search: part(search), choice: part(choice), final: part(final) };
}

/**
 * Groups with `wanted` images in total, or as many as fit, spread evenly over the order, and the other
 * groups.
 */
function deal(
  groups: readonly (readonly number[])[],
  wanted: number,
): readonly [(readonly number[])[], (readonly number[])[]] {
  const total = groups.flat().length;
  const taken: (readonly number[])[] = [];
  const left: (readonly number[])[] = [];
  let passed = 0;
  let got = 0;
  for (const group of groups) {
    passed += group.length;
    const fits = got + group.length <= Math.floor((passed * wanted) / total);
    if (fits) got += group.length;
    (fits ? taken : left).push(group);
  }
  return [taken, left];
}

function partOf(dataset: Dataset, unsorted: readonly number[]): DatasetPart {
  const images = [...unsorted].sort((a, b) => a - b);
  const inside = new Set(images);
  const hash = createHash('sha256').update(`${dataset.digest}\n`);
  for (const image of images) hash.update(`${dataset.images[image]!.file}\n`);
  return {
    images,
    objects: dataset.truths.filter(({ image, crowd }) => inside.has(image) && !crowd).length,
    digest: hash.digest('hex'),
  };
}

/** The truths and detections of some images, renumbered from 0. */
export function selectImages(
  images: readonly number[],
  classes: number,
  truths: readonly TruthBox[],
  detections: readonly DetectedBox[],
): EvaluationSet {
  const place = new Map(images.map((image, index) => [image, index]));
  const select = <T extends { readonly image: number }>(boxes: readonly T[]): T[] =>
    boxes.flatMap((box) => {
      const image = place.get(box.image);
      return image === undefined ? [] : [{ ...box, image }];
    });
  return { images: images.length, classes, truths: select(truths), detections: select(detections) };
}
