import { createHash } from 'node:crypto';
import { createRandom } from '../../core/random.ts';
import type { DetectedBox, EvaluationSet, TruthBox } from '../../core/evaluation/boxes.ts';
import type { Dataset } from '../evaluate/dataset.ts';

/** A part of the labeled pictures. */
export interface Part {
  /** places in the data set, rising */
  readonly images: readonly number[];
  /** objects that count (crowds left out) */
  readonly objects: number;
  /** sha256 over the data set's digest and the names of the part's pictures */
  readonly digest: string;
}

export interface Split {
  /** what the search may look at */
  readonly search: Part;
  /** what the final figures are computed on; nothing is chosen by it before */
  readonly final: Part;
}

/**
 * Splits the labeled pictures in two by the seed alone. Pictures are dealt in an order in which those with many classes come first, alternately,
 * so that rare classes do not all fall to one side; which side comes first is drawn for each pair.
 *
 * @param share of the pictures for the search, 0..1; each side gets one picture at least
 * @param most pictures of the search at most: past that it only takes longer
 */
export function splitDataset(dataset: Dataset, share: number, most: number, seed: number): Split {
  const order = dataset.images.map((_, index) => index);
  const random = createRandom(seed);
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = random.int(0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const classes = dataset.images.map((): Set<number> => new Set());
  for (const { image, classIndex } of dataset.truths) classes[image]!.add(classIndex);
  // sorting is stable: pictures with as many classes stay in drawn order
  order.sort((a, b) => classes[b]!.size - classes[a]!.size);
  const wanted = Math.min(most, Math.max(1, Math.min(order.length - 1, Math.round(share * order.length))));
  const search: number[] = [];
  order.forEach((image, place) => {
    // spreads the search's pictures evenly over the order
    if (Math.floor(((place + 1) * wanted) / order.length) > search.length) search.push(image);
  });
  const chosen = new Set(search);
  const rest = order.filter((image) => !chosen.has(image));
  return { search: partOf(dataset, search), final: partOf(dataset, rest) };
}

function partOf(dataset: Dataset, unsorted: readonly number[]): Part {
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

/** The truths and detections of some pictures, which are counted anew from 0. */
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
