import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import type { CompressedView } from '../../core/frame.ts';
import { DEFAULT_IMAGE_LIMITS } from '../../core/image/limits.ts';
import type { PictureSize } from '../../core/image/compressed-size.ts';
import { decodeToRgb } from '../pipeline/decode-image.ts';
import { readImageSize } from '../pipeline/image-header.ts';
import type { FeedFrame, FrameFeed } from './feed.ts';

export interface DirFeedOptions {
  readonly path: string;
  /** hand the files on as they are instead of decoding them */
  readonly compressed: boolean;
  /** the size that decoded pictures are fitted into */
  readonly size?: PictureSize;
}

const PICTURE = /\.(jpe?g|png)$/i;

/** The JPEG and PNG files of a folder in the order of their names, over and over. Files that do not decode are passed over and counted. */
export class DirFeed implements FrameFeed {
  readonly description: string;
  unreadable = 0;
  readonly #options: DirFeedOptions;
  #files: readonly string[] = [];
  #index = 0;
  #isClosed = false;

  constructor(options: DirFeedOptions) {
    this.#options = options;
    this.description = `pictures of ${options.path}`;
  }

  async open(): Promise<void> {
    const { path } = this.#options;
    try {
      const names = await readdir(path);
      this.#files = names.filter((name) => PICTURE.test(name)).sort();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new GoshawkError('GOSHAWK_CAMERA_UNUSABLE', { camera: `dir:${path}`, reason }, { cause: error });
    }
    if (this.#files.length === 0) this.#refuse('there is no .jpg, .jpeg or .png file in it');
  }

  async next(): Promise<FeedFrame | undefined> {
    for (let tries = 0; tries < this.#files.length && !this.#isClosed; tries += 1) {
      const name = this.#files[this.#index++ % this.#files.length]!;
      const frame = await this.#read(join(this.#options.path, name));
      if (frame !== undefined) return frame;
      this.unreadable += 1;
    }
    if (this.#isClosed) return undefined;
    return this.#refuse('none of its pictures can be read');
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  async #read(file: string): Promise<FeedFrame | undefined> {
    const { compressed, size } = this.#options;
    try {
      const data = new Uint8Array(await readFile(file));
      if (readImageSize(data) === null) return undefined;
      const image: CompressedView = { format: data[0] === 0x89 ? 'png' : 'jpeg', data };
      if (compressed) return { image };
      return { image: await decodeToRgb(image, DEFAULT_IMAGE_LIMITS.maxPixels, size) };
    } catch {
      return undefined;
    }
  }

  #refuse(reason: string): never {
    throw new GoshawkError('GOSHAWK_CAMERA_UNUSABLE', { camera: `dir:${this.#options.path}`, reason });
  }
}
