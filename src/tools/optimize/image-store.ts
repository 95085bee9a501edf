import { createHash } from 'node:crypto';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { BundleManifest } from '../../contract/bundle.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { letterboxFor, type Letterbox } from '../../core/image/letterbox.ts';
import { createRandom } from '../../core/random.ts';
import type { ImageView } from '../../core/image/image-view.ts';
import { decodeImageFile, listImageFiles } from '../../device/imaging/image-file.ts';
import { SharpLetterboxer } from '../../device/imaging/sharp-letterbox.ts';
import type { Dataset } from '../evaluate/dataset.ts';
import type { ImageFile } from './quantizer-messages.ts';
import type { WorkFolder } from './work-folder.ts';

/** The part of a manifest that determines how an image becomes the network's input. */
export type InputStyle = BundleManifest['input'];

/** Letterboxed images in one file, in the form that the network takes. */
export interface ImageStore extends ImageFile {
  /** the position of each image in the input */
  readonly letterboxes: readonly Letterbox[];
  /** sha256 over names and contents of the image files, in order */
  readonly digest: string;
  readonly names: readonly string[];
  /**
   * sha256 of the decoded pixels of each image, which is the same under another name or after lossless
   * re-encoding
   */
  readonly pixelDigests: readonly string[];
}

/** An image file and its expected size. */
interface Source {
  readonly name: string;
  readonly path: string;
  /** null if no size is stated */
  readonly size: { readonly width: number; readonly height: number } | null;
}

/** Creates the error for an image that cannot be used. */
type Refuse = (name: string, reason: string, cause?: unknown) => GoshawkError;

const storedSchema = z.object({
  sizes: z.array(z.tuple([z.number(), z.number()])),
  pixelDigests: z.array(z.string()),
});

type Stored = z.infer<typeof storedSchema>;

/**
 * Names of a calibration folder's images, sorted. If there are more than `most`, that many are drawn with the
 * seed. Throws GOSHAWK_OPTIMIZE_PICTURES.
 */
export async function listCalibration(folder: string, most: number, seed: number): Promise<string[]> {
  const pictures = await listImageFiles(folder).catch((cause: unknown) => {
    throw new GoshawkError(
      'GOSHAWK_OPTIMIZE_PICTURES',
      { folder, reason: (cause as Error).message },
      { cause },
    );
  });
  if (pictures.length === 0) {
    const reason = 'there is no .jpg, .jpeg or .png file in it';
    throw new GoshawkError('GOSHAWK_OPTIMIZE_PICTURES', { folder, reason });
  }
  const random = createRandom(seed);
  while (pictures.length > most) pictures.splice(random.int(0, pictures.length - 1), 1);
  return pictures;
}

/** Options for storing images. */
export interface StoreOptions {
  readonly work: WorkFolder;
  readonly style: InputStyle;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Letterboxes the images of a calibration folder. An image that does not decode is refused:
 * GOSHAWK_OPTIMIZE_PICTURES.
 */
export function storeCalibration(
  folder: string,
  names: readonly string[],
  options: StoreOptions,
): Promise<ImageStore> {
  const sources = names.map((name) => ({ name, path: join(folder, name), size: null }));
  return store('calibration', sources, options, (name, reason, cause) => {
    const text = `image ${name} cannot be used: ${reason}`;
    return new GoshawkError('GOSHAWK_OPTIMIZE_PICTURES', { folder, reason: text }, { cause });
  });
}

/**
 * Letterboxes the labeled images in the order of the data set. One that is missing, broken, or of another
 * size is refused: GOSHAWK_DATASET_IMAGE.
 */
export function storeLabeled(folder: string, dataset: Dataset, options: StoreOptions): Promise<ImageStore> {
  const sources = dataset.images.map(({ file, width, height }) => ({
    name: file,
    path: join(folder, file),
    size: { width, height },
  }));
  return store('labeled', sources, options, (name, reason, cause) => {
    return new GoshawkError('GOSHAWK_DATASET_IMAGE', { image: name, file: dataset.file, reason }, { cause });
  });
}

async function store(
  kind: string,
  sources: readonly Source[],
  options: StoreOptions,
  refuse: Refuse,
): Promise<ImageStore> {
  const { work, style, signal } = options;
  const { width, height, anchor, padValue, resize } = style;
  const digest = await digestOfImages(sources, signal, refuse);
  const inputs = { digest, style: { width, height, anchor, padValue, resize } };
  const file = `${kind}.u8`;
  const { value, key } = await work.step(`pictures-${kind}`, inputs, storedSchema, [file], async (place) => {
    const handle = await open(place(file), 'w');
    try {
      return await letterboxAll(sources, handle, options, refuse);
    } finally {
      await handle.close();
    }
  });
  const letterboxes = value.sizes.map(([w, h]) => letterboxFor(w, h, width, height, anchor));
  return {
    pictures: work.place(key, file),
    count: sources.length,
    height,
    width,
    letterboxes,
    digest,
    names: sources.map(({ name }) => name),
    pixelDigests: value.pixelDigests,
  };
}

async function digestOfImages(
  sources: readonly Source[],
  signal: AbortSignal,
  refuse: Refuse,
): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, path } of sources) {
    signal.throwIfAborted();
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw refuse(name, (cause as Error).message, cause);
    });
    hash.update(`${name}\n${bytes.byteLength}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/**
 * Converts image files to the network's input with the runtime's own code. Returns the facts about the source
 * images.
 */
async function letterboxAll(
  sources: readonly Source[],
  handle: FileHandle,
  { style, signal, onProgress }: StoreOptions,
  refuse: Refuse,
): Promise<Stored> {
  const letterboxer = new SharpLetterboxer();
  const pixels = new Uint8Array(style.width * style.height * 3);
  const stored: Stored = { sizes: [], pixelDigests: [] };
  for (const { name, path, size } of sources) {
    signal.throwIfAborted();
    const decoded = await decodeImageFile(path).catch((cause: unknown) => {
      throw refuse(name, describeError(cause), cause);
    });
    if (!decoded.ok) throw refuse(name, decoded.detail);
    const image = decoded.view;
    const { width, height } = image;
    if (size !== null && (size.width !== width || size.height !== height)) {
      throw refuse(
        name,
        `it has ${width}x${height} pixels, but the annotations say ${size.width}x${size.height}`,
      );
    }
    await letterboxer.run(
      image,
      letterboxFor(width, height, style.width, style.height, style.anchor),
      style,
      pixels,
    );
    await handle.writeFile(pixels);
    stored.sizes.push([width, height]);
    stored.pixelDigests.push(pixelDigest(image));
    onProgress(stored.sizes.length, sources.length);
  }
  return stored;
}

function pixelDigest({ width, height, data }: ImageView): string {
  return createHash('sha256').update(`${width}x${height}\n`).update(data).digest('hex');
}
