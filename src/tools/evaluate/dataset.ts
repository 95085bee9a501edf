import { readFile } from 'node:fs/promises';
import { isAbsolute, normalize } from 'node:path';
import type { z } from 'zod';
import {
  cocoAnnotationsSchema,
  cocoResultsSchema,
  type CocoAnnotations,
  type CocoResult,
} from '../../contract/coco.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { DetectedBox, TruthBox } from '../../core/evaluation/boxes.ts';
import { sha256Of } from '../../platform/digest.ts';

/** A box may extend beyond its image by this many pixels, because annotation tools round. */
const BORDER_TOLERANCE = 2;

/** An image of a data set. */
export interface DatasetImage {
  readonly id: number;
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

/**
 * A data set in the form for the evaluator: images in ascending order of id, classes in the order of
 * `labels`.
 */
export interface Dataset {
  readonly file: string;
  /** sha256 of the file's bytes */
  readonly digest: string;
  readonly images: readonly DatasetImage[];
  readonly labels: readonly string[];
  /** COCO's category id of each label; null if the data set does not have it */
  readonly categoryIds: readonly (number | null)[];
  readonly truths: readonly TruthBox[];
}

export interface DatasetOptions {
  /** labels of the model; null uses the categories of the file */
  readonly labels: readonly string[] | null;
  /** the owner of the labels, for messages */
  readonly bundle: string;
  /** ignores objects of categories without a label, instead of refusing the data set */
  readonly ignoreUnknown: boolean;
  /** only the first images by id; null for all */
  readonly limit: number | null;
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<{ value: T; digest: string }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new GoshawkError(
      'GOSHAWK_FILE_UNREADABLE',
      { file, reason: (error as Error).message },
      { cause: error },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new GoshawkError(
      'GOSHAWK_DATASET_INVALID',
      { file, reason: (error as Error).message },
      { cause: error },
    );
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it does not follow the schema'}`;
    throw new GoshawkError('GOSHAWK_DATASET_INVALID', { file, reason });
  }
  return { value: parsed.data, digest: sha256Of(bytes) };
}

/** Index by id. Refuses a duplicate id. */
function indexById(file: string, what: string, entries: readonly { id: number }[]): Map<number, number> {
  const index = new Map<number, number>();
  entries.forEach(({ id }, i) => {
    if (index.has(id)) {
      throw new GoshawkError('GOSHAWK_DATASET_INVALID', { file, reason: `${what} ${id} appears twice` });
    }
    index.set(id, i);
  });
  return index;
}

function checkFileName(file: string, name: string): void {
  if (isAbsolute(name) || normalize(name).startsWith('..')) {
    const reason = `file_name ${name} leads outside the image folder`;
    throw new GoshawkError('GOSHAWK_DATASET_INVALID', { file, reason });
  }
}

/** Refuses violations of the format that a schema cannot express. */
function checkReferences(file: string, coco: CocoAnnotations): void {
  const images = indexById(file, 'image', coco.images);
  const categories = indexById(file, 'category', coco.categories);
  indexById(file, 'annotation', coco.annotations);
  for (const image of coco.images) checkFileName(file, image.file_name);
  for (const { id, image_id, category_id, bbox } of coco.annotations) {
    const refuse = (reason: string): never => {
      throw new GoshawkError('GOSHAWK_DATASET_INVALID', { file, reason: `annotation ${id}: ${reason}` });
    };
    const image = coco.images[images.get(image_id) ?? -1] ?? refuse(`there is no image ${image_id}`);
    if (!categories.has(category_id)) refuse(`there is no category ${category_id}`);
    const [x, y, width, height] = bbox;
    const inside =
      x >= -BORDER_TOLERANCE &&
      y >= -BORDER_TOLERANCE &&
      x + width <= image.width + BORDER_TOLERANCE &&
      y + height <= image.height + BORDER_TOLERANCE;
    if (!inside) {
      refuse(`its box ${bbox.join(', ')} extends beyond the image's ${image.width}x${image.height} pixels`);
    }
  }
}

/** Class index of each category id. Categories without a label are ignored or refused. */
function mapCategories(
  file: string,
  coco: CocoAnnotations,
  labels: readonly string[],
  options: DatasetOptions,
): Map<number, number> {
  const classOf = new Map<number, number>();
  const unknown: string[] = [];
  for (const { id, name } of coco.categories) {
    const index = labels.indexOf(name);
    if (index < 0) unknown.push(name);
    else classOf.set(id, index);
  }
  if (classOf.size === 0 || (unknown.length > 0 && !options.ignoreUnknown)) {
    const categories = unknown.join(', ');
    throw new GoshawkError('GOSHAWK_CATEGORY_UNKNOWN', { file, bundle: options.bundle, categories });
  }
  return classOf;
}

/** Reads a COCO annotation file. Categories are mapped to classes by name, because COCO's ids have gaps. */
export async function readDataset(file: string, options: DatasetOptions): Promise<Dataset> {
  const { value: coco, digest } = await readJson(file, cocoAnnotationsSchema);
  checkReferences(file, coco);
  const categories = [...coco.categories].sort((a, b) => a.id - b.id);
  const labels = options.labels ?? categories.map(({ name }) => name);
  const classOf = mapCategories(file, coco, labels, options);
  const categoryIds: (number | null)[] = labels.map(() => null);
  for (const [id, index] of classOf) categoryIds[index] = id;

  const images = [...coco.images]
    .sort((a, b) => a.id - b.id)
    .slice(0, options.limit ?? undefined)
    .map(({ id, file_name, width, height }) => ({ id, file: file_name, width, height }));
  if (images.length === 0) {
    throw new GoshawkError('GOSHAWK_DATASET_INVALID', { file, reason: 'it has no image' });
  }
  const imageOf = new Map(images.map(({ id }, index) => [id, index]));

  const truths: TruthBox[] = [];
  for (const { image_id, category_id, bbox, area, iscrowd } of coco.annotations) {
    const image = imageOf.get(image_id);
    const classIndex = classOf.get(category_id);
    if (image === undefined || classIndex === undefined) continue;
    const [x, y, width, height] = bbox;
    const box = { image, classIndex, x, y, width, height };
    truths.push({ ...box, area: area ?? width * height, crowd: iscrowd === 1 });
  }
  return { file, digest, images, labels, categoryIds, truths };
}

/**
 * Reads detections in COCO's results format. Detections of images beyond `--limit` and of ignored categories
 * are skipped.
 */
export async function readResults(file: string, dataset: Dataset, limited: boolean): Promise<DetectedBox[]> {
  const { value: results } = await readJson(file, cocoResultsSchema);
  const imageOf = new Map(dataset.images.map(({ id }, index) => [id, index]));
  const classOf = new Map(dataset.categoryIds.map((id, index) => [id, index]));
  const boxes: DetectedBox[] = [];
  for (const { image_id, category_id, bbox, score } of results) {
    const image = imageOf.get(image_id);
    const classIndex = classOf.get(category_id);
    if (image === undefined && !limited) {
      const reason = `image ${image_id} is not in ${dataset.file}`;
      throw new GoshawkError('GOSHAWK_DATASET_INVALID', { file, reason });
    }
    if (image === undefined || classIndex === undefined) continue;
    const [x, y, width, height] = bbox;
    boxes.push({ image, classIndex, x, y, width, height, score });
  }
  return boxes;
}

/**
 * Detections in COCO's results format; labels without a category in the data set cannot be written and are
 * skipped.
 */
export function toResults(dataset: Dataset, boxes: readonly DetectedBox[]): CocoResult[] {
  const results: CocoResult[] = [];
  for (const { image, classIndex, x, y, width, height, score } of boxes) {
    const category = dataset.categoryIds[classIndex];
    if (category === null || category === undefined) continue;
    results.push({
      image_id: dataset.images[image]!.id,
      category_id: category,
      bbox: [x, y, width, height],
      score,
    });
  }
  return results;
}
