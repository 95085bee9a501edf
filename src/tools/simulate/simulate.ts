import { mkdir, open, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GoshawkError } from '../../contract/errors.ts';
import { entryUrl } from '../../platform/entry.ts';
import { cocoOf, rawIndexOf } from './annotations.ts';
import { checkSimulateOptions, type SimulateOptions } from './options.ts';
import { RAW_FRAMES, renderRange, type RangeJob, type RenderedScene } from './render-range.ts';

export interface SimulateResult {
  readonly scenes: number;
  readonly objects: number;
}

/** Receives the number of finished scenes. */
export type SimulateProgress = (done: number, total: number) => void;

/**
 * Writes a data set of simulated scenes. Everything is written to a folder next to `out`, which is renamed
 * when complete; after an error or an abort (which throws the signal's reason) nothing is left behind.
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID for options out of range, GOSHAWK_OUTPUT_REFUSED if `out`
 * cannot be written
 */
export async function simulate(
  options: SimulateOptions,
  progress: SimulateProgress = () => undefined,
  signal?: AbortSignal,
): Promise<SimulateResult> {
  checkSimulateOptions(options);
  const out = resolve(options.out);
  const folder = join(dirname(out), `.${basename(out)}.partial-${process.pid}`);
  await prepare(out, folder, options);
  try {
    const scenes = await renderAll(options, folder, (done, total) => {
      signal?.throwIfAborted();
      progress(done, total);
    });
    const objects = scenes.reduce((sum, scene) => sum + scene.objects.length, 0);
    if (options.format === 'raw')
      await writeFile(join(folder, 'boxes.json'), JSON.stringify(rawIndexOf(options, scenes)));
    else await writeFile(join(folder, 'annotations.json'), JSON.stringify(cocoOf(options, scenes)));
    await rename(folder, out);
    return { scenes: scenes.length, objects };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (error instanceof GoshawkError || signal?.aborted === true) throw error;
    throw new GoshawkError(
      'GOSHAWK_OUTPUT_REFUSED',
      { path: options.out, reason: reasonOf(error) },
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function prepare(out: string, folder: string, options: SimulateOptions): Promise<void> {
  try {
    const present = await readdir(out).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (present !== undefined && present.length > 0) throw new Error('the folder is not empty');
    await rm(folder, { recursive: true, force: true });
    await mkdir(options.format === 'coco' ? join(folder, 'images') : folder, { recursive: true });
    if (options.format === 'raw') {
      const frames = await open(join(folder, RAW_FRAMES), 'w');
      await frames.truncate(options.count * options.width * options.height * 3);
      await frames.close();
    }
    if (present !== undefined) await rmdir(out);
  } catch (error) {
    throw new GoshawkError(
      'GOSHAWK_OUTPUT_REFUSED',
      { path: options.out, reason: reasonOf(error) },
      { cause: error },
    );
  }
}

async function renderAll(
  options: SimulateOptions,
  folder: string,
  progress: SimulateProgress,
): Promise<readonly RenderedScene[]> {
  const scenes: RenderedScene[] = new Array<RenderedScene>(options.count);
  let done = 0;
  const take = (scene: RenderedScene): void => {
    scenes[scene.index] = scene;
    done += 1;
    progress(done, options.count);
  };
  const stride = Math.min(options.workers, options.count);
  if (stride === 1) {
    for await (const scene of renderRange({ options, folder, first: 0, stride: 1 })) take(scene);
    return scenes;
  }
  const workers: Worker[] = [];
  try {
    await Promise.all(
      Array.from({ length: stride }, (_, first) =>
        runWorker({ options, folder, first, stride }, take, workers),
      ),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return scenes;
}

function runWorker(job: RangeJob, take: (scene: RenderedScene) => void, workers: Worker[]): Promise<void> {
  return new Promise((done, fail) => {
    const worker = new Worker(entryUrl(import.meta.url, './render-worker.ts'), { workerData: job });
    workers.push(worker);
    worker.on('message', (scene: RenderedScene) => {
      try {
        take(scene);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    worker.on('error', fail);
    worker.on('exit', (code) =>
      code === 0 ? done() : fail(new Error(`a rendering thread ended with code ${code}`)),
    );
  });
}
