import { closeSync, openSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderSample, type SampledScene } from '../../sim/sample.ts';
import { SceneRenderer } from '../../sim/scene.ts';
import { encodeJpeg, encodePng } from '../../device/imaging/encode-image.ts';
import type { ImageFormat, SimulateOptions } from './options.ts';

/** Every `stride`-th scene from `first` on, written into `folder`. */
export interface RangeJob {
  readonly options: SimulateOptions;
  readonly folder: string;
  readonly first: number;
  readonly stride: number;
}

export interface RenderedScene extends SampledScene {
  readonly index: number;
}

export const RAW_FRAMES = 'frames.u8';

/** Maximum number of images being encoded while the next one is rendered. */
const MAX_ENCODING = 4;

export function imageName(index: number, format: ImageFormat): string {
  return `${String(index).padStart(7, '0')}.${format === 'png' ? 'png' : 'jpg'}`;
}

/** Renders the scenes of a job in order; yields each once its pixels are passed to the file system. */
export async function* renderRange(job: RangeJob): AsyncGenerator<RenderedScene> {
  const { options, folder } = job;
  const { width, height } = options;
  const renderer = new SceneRenderer(width, height);
  const bytes = width * height * 3;
  if (options.format === 'raw') {
    const rgb = new Uint8Array(bytes);
    const file = openSync(join(folder, RAW_FRAMES), 'r+');
    try {
      for (let index = job.first; index < options.count; index += job.stride) {
        const scene = renderSample(renderer, options.seed, index, options.conditions, rgb);
        for (let done = 0; done < bytes;)
          done += writeSync(file, rgb, done, bytes - done, index * bytes + done);
        yield { index, ...scene };
      }
    } finally {
      closeSync(file);
    }
    return;
  }
  const encoding: Promise<void>[] = [];
  try {
    for (let index = job.first; index < options.count; index += job.stride) {
      const rgb = new Uint8Array(bytes);
      const scene = renderSample(renderer, options.seed, index, options.conditions, rgb);
      const written = writeImage(join(folder, 'images', imageName(index, options.image)), rgb, options);
      // a failure is handled by the await below; until then it must not count as unhandled
      written.catch(() => undefined);
      encoding.push(written);
      if (encoding.length >= MAX_ENCODING) await encoding.shift();
      yield { index, ...scene };
    }
    await Promise.all(encoding);
  } finally {
    // nothing may be written once the folder is removed
    await Promise.allSettled(encoding);
  }
}

async function writeImage(file: string, rgb: Uint8Array, options: SimulateOptions): Promise<void> {
  const { width, height } = options;
  const encoded =
    options.image === 'png'
      ? await encodePng(rgb, width, height)
      : await encodeJpeg(rgb, width, height, options.quality);
  await writeFile(file, encoded);
}
