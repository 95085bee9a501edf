import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  captureAnswerSchema,
  captureRequestSchema,
  type CaptureAnswer,
  type CaptureRequest,
} from '../../contract/clips.ts';
import { writeFileWhole } from '../../platform/atomic-file.ts';
import { errorText } from '../../platform/error-text.ts';
import { readRegularFile } from '../../platform/regular-file.ts';

const MAX_BYTES = 4096;
/** Requests that are answered at a time; others wait. */
const MAX_AT_ONCE = 4;
const REQUEST = /^([0-9a-f]{16})\.request$/;

/**
 * How a command on the same machine asks for a clip: a file in a folder, answered by a file beside it. Who may write
 * there may have clips.
 */
export class RequestFolder {
  readonly #folder: string;

  /** @param captureFolder where clips are */
  constructor(captureFolder: string) {
    this.#folder = join(captureFolder, 'requests');
  }

  /** Leaves no request of an earlier process. @throws what the file system throws */
  async clear(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true, mode: 0o750 });
  }

  /** Answers what is asked now. A folder that somebody removed is made again. @throws what the file system throws */
  async answer(answerTo: (request: CaptureRequest) => CaptureAnswer): Promise<void> {
    const names = (await this.#files()).flatMap((name) => REQUEST.exec(name)?.[1] ?? []);
    for (const name of names.slice(0, MAX_AT_ONCE)) {
      const answer = await this.#read(name).then(answerTo, (error: unknown) => ({
        code: 'GOSHAWK_CAPTURE_REFUSED',
        reason: `the request cannot be read: ${errorText(error)}`,
      }));
      await writeFileWhole(this.#path(name, 'answer'), JSON.stringify(answer));
      await rm(this.#path(name, 'request'), { force: true });
    }
  }

  /** Asks. @returns what reads the answer: null while there is none @throws what the file system throws */
  async ask(request: CaptureRequest): Promise<() => Promise<CaptureAnswer | null>> {
    const name = randomBytes(8).toString('hex');
    await writeFileWhole(this.#path(name, 'request'), JSON.stringify(request));
    return async () => {
      const bytes = await readRegularFile(this.#path(name, 'answer'), MAX_BYTES).catch(() => null);
      if (bytes === null) return null;
      await rm(this.#path(name, 'answer'), { force: true });
      return captureAnswerSchema.parse(parse(bytes));
    };
  }

  async #files(): Promise<readonly string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await mkdir(this.#folder, { recursive: true, mode: 0o750 });
      return [];
    }
  }

  async #read(name: string): Promise<CaptureRequest> {
    return captureRequestSchema.parse(parse(await readRegularFile(this.#path(name, 'request'), MAX_BYTES)));
  }

  #path(name: string, kind: 'request' | 'answer'): string {
    return join(this.#folder, `${name}.${kind}`);
  }
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
