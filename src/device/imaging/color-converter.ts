import { Worker } from 'node:worker_threads';
import type { ImageView } from '../../core/image/image-view.ts';
import { toRgb } from '../../core/image/convert.ts';
import { planeRows } from '../../core/image/layout.ts';
import { entryUrl } from '../../platform/entry.ts';
import { freeMemory } from '../../platform/free-memory.ts';
import type { ColorReply, ColorRequest } from './color-protocol.ts';

/** Images of fewer pixels are converted on the spot, which is faster than handing them over. */
const SMALL_PIXELS = 20_000;
/** Maximum number of threads: two convert more than the cameras of one device send. */
const MAX_THREADS = 2;

interface Waiting {
  readonly resolve: (rgb: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
}

/** One thread with its pending requests. It keeps the process alive only while it works. */
class ColorThread {
  readonly waiting = new Map<number, Waiting>();
  readonly #worker: Worker;
  #nextId = 0;
  /** memory of the previous image: allocating that much costs more than copying into it */
  #spare: Uint8Array<ArrayBuffer> | null = null;

  constructor(onEnd: (thread: ColorThread) => void) {
    this.#worker = new Worker(entryUrl(import.meta.url, './color-worker.ts'), { name: 'goshawk-color' });
    this.#worker.unref();
    this.#worker.on('message', ({ id, rgb, data }: ColorReply) => {
      this.#spare = data;
      this.#settle(id)?.resolve(rgb);
    });
    const end = (error: unknown): void => {
      onEnd(this);
      for (const id of [...this.waiting.keys()]) this.#settle(id)?.reject(error);
    };
    this.#worker.on('error', end);
    this.#worker.on('exit', () => {
      end(new Error('the thread that converts images ended'));
    });
  }

  /** Copies the pixels before it returns. */
  convert({ width, height, encoding, step, data }: ImageView): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = step * planeRows(encoding, height);
    const copy = this.#spare?.length === bytes ? this.#spare : new Uint8Array(bytes);
    this.#spare = null;
    copy.set(data.subarray(0, bytes));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.waiting.set(id, { resolve, reject });
      this.#worker.ref();
      const view = { width, height, encoding, step, data: copy };
      const request: ColorRequest = { id, view };
      this.#worker.postMessage(request, [copy.buffer]);
    });
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.#worker.unref();
    return waiting;
  }
}

/** Running threads, started by the first large image. A thread that ended is replaced by the next image. */
const threads: ColorThread[] = [];

function minBusy(): ColorThread {
  const free = threads.reduce<ColorThread | undefined>(
    (best, thread) => (best === undefined || thread.waiting.size < best.waiting.size ? thread : best),
    undefined,
  );
  if (free !== undefined && (free.waiting.size === 0 || threads.length === MAX_THREADS)) return free;
  const thread = new ColorThread((ended) => {
    const at = threads.indexOf(ended);
    if (at >= 0) threads.splice(at, 1);
  });
  threads.push(thread);
  return thread;
}

/** The pixels in place if they are packed RGB already; `null` if they must be converted. */
function packedRgb({ width, height, encoding, step, data }: ImageView): Uint8Array | null {
  return encoding === 'rgb8' && step === width * 3 ? data.subarray(0, step * height) : null;
}

/**
 * Passes an image to a reader as packed RGB: in place if it already is, otherwise converted by `convertToRgb` and freed
 * afterwards. The image must not change until the reader is done.
 */
export async function withRgb<T>(view: ImageView, read: (rgb: Uint8Array) => Promise<T>): Promise<T> {
  const packed = packedRgb(view);
  if (packed !== null) return read(packed);
  const rgb = await convertToRgb(view);
  try {
    return await read(rgb);
  } finally {
    freeMemory(rgb);
  }
}

/**
 * Converts an image to packed RGB in its own memory, on a separate thread: a whole frame takes 5 to 15 ms, which the
 * thread that receives camera frames cannot spare. The pixels are copied before this returns, so their memory can be
 * reused immediately.
 * @throws Error if the thread ends before it answers
 */
export async function convertToRgb(view: ImageView): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = view;
  const packed = packedRgb(view);
  if (packed !== null) return new Uint8Array(packed);
  if (width * height < SMALL_PIXELS) {
    const rgb = new Uint8Array(width * height * 3);
    toRgb(view, rgb);
    return rgb;
  }
  return minBusy().convert(view);
}
