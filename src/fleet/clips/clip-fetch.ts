import { randomUUID } from 'node:crypto';
import type { Clip } from '../../contract/clips.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { ClipTransfer } from '../../contract/fleet/clips.ts';
import type { ClipChunk, ClipRequest } from '../../contract/telemetry/clips.ts';
import type { PartFile } from './part-file.ts';

/** Without a chunk for so long, the rest is asked for again. */
const SILENT_MS = 20_000;
/** So many times in a row, then it has failed. */
const MAX_TRIES = 5;
/** Asked for at a time: at 64 KiB a second it comes before it is due. */
const ASKED_BYTES = 512 << 10;
/** Chunks that wait for the disk, as many as one request brings; more are dropped, and asked for again. */
const MAX_WAITING = 16;
/** Requests whose chunks are still taken: what is on its way when the rest is asked for again. */
const MAX_REQUESTS = 8;
/** A robot has so long to PUT a clip. */
const PUT_MS = 900_000;

/** One clip that is fetched, from what has arrived of it to the last byte. */
export class ClipFetch {
  readonly clip: Clip;
  readonly #file: PartFile;
  readonly putUrl: string | undefined;
  readonly #send: (request: ClipRequest) => void;
  /** the newest last */
  readonly #requests: string[] = [];
  #waiting = 0;
  #bytes = 0;
  #tries = 0;
  #deadlineMs = Infinity;
  #hasBegun = false;
  #end: Pick<ClipTransfer, 'state' | 'reason'> | null = null;
  /** chunks are written one after another */
  #writing: Promise<void> = Promise.resolve();

  constructor(clip: Clip, file: PartFile, putUrl: string | undefined, send: (request: ClipRequest) => void) {
    this.clip = clip;
    this.#file = file;
    this.putUrl = putUrl;
    this.#send = send;
  }

  get transfer(): ClipTransfer {
    const state = this.#hasBegun ? 'fetching' : 'queued';
    return { bytes: this.#bytes, reason: null, state, ...this.#end };
  }

  get isOver(): boolean {
    return this.#end !== null;
  }

  /** Asks the robot for what is missing. Resolves once it has, or has failed. */
  begin(nowMs: number): Promise<void> {
    this.#hasBegun = true;
    return this.#inTurn(async () => {
      this.#bytes = await this.#bytesHere();
      if (this.#bytes === this.clip.bytes && this.putUrl === undefined) await this.#finish();
      else this.#ask(nowMs);
    });
  }

  /** A chunk of this clip; those that nobody asked for are ignored. Resolves once it is written. Never throws. */
  async take(chunk: ClipChunk, nowMs: number): Promise<void> {
    if (this.#waiting >= MAX_WAITING || !this.#requests.includes(chunk.request)) return;
    this.#waiting += 1;
    await this.#inTurn(() => this.#write(chunk, nowMs));
    this.#waiting -= 1;
  }

  /** Asks again if nothing came for a while. */
  look(nowMs: number): void {
    if (this.isOver || nowMs < this.#deadlineMs) return;
    this.#retry(nowMs, 'the robot does not answer');
  }

  #retry(nowMs: number, reason: string): void {
    this.#tries += 1;
    if (this.#tries < MAX_TRIES && this.putUrl === undefined) this.#ask(nowMs);
    else this.#fail(new GoshawkError('GOSHAWK_CLIP_NOT_SENT', { clip: this.clip.clip, reason }));
  }

  /** Works after all that was begun before, unless the end has come; what is thrown is the end. Never throws. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      if (this.isOver) return;
      try {
        await work();
      } catch (error) {
        this.#fail(error);
      }
    });
    return this.#writing;
  }

  /** More than the clip has is no part of it. */
  async #bytesHere(): Promise<number> {
    const bytes = await this.#file.size();
    if (bytes <= this.clip.bytes) return bytes;
    await this.#file.remove();
    return 0;
  }

  async #write(chunk: ClipChunk, nowMs: number): Promise<void> {
    const { request, refused, offset, total, data, isLast } = chunk;
    const isNewest = request === this.#requests.at(-1);
    if (refused !== undefined) {
      // a robot that works at the newest one may give up the others
      if (isNewest) this.#end = { state: 'failed', reason: `${refused.code}: ${refused.reason}` };
      return;
    }
    if (this.putUrl !== undefined) {
      this.#end = { state: 'put', reason: null };
      return;
    }
    if (total !== this.clip.bytes) {
      await this.#file.remove();
      throw wrongDigest(this.clip.clip);
    }
    if (offset !== this.#bytes) {
      // one before it was lost; others come again
      if (isNewest && offset > this.#bytes) this.#retry(nowMs, 'too much of it is lost on its way');
      return;
    }
    const bytes = Buffer.from(data, 'base64');
    await this.#file.append(bytes);
    this.#bytes += bytes.length;
    this.#tries = 0;
    this.#deadlineMs = nowMs + SILENT_MS;
    if (this.#bytes >= total) await this.#finish();
    else if (isLast && isNewest) this.#ask(nowMs);
  }

  #ask(nowMs: number): void {
    const request = randomUUID();
    this.#requests.push(request);
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift();
    const { clip } = this.clip;
    const putUrl = this.putUrl;
    this.#deadlineMs = nowMs + (putUrl === undefined ? SILENT_MS : PUT_MS);
    this.#send({
      request,
      clip,
      offset: putUrl === undefined ? this.#bytes : 0,
      maxBytes: ASKED_BYTES,
      ...(putUrl === undefined ? {} : { putUrl }),
    });
  }

  async #finish(): Promise<void> {
    if (!(await this.#file.isWhole()) && !(await this.#file.finish(this.clip.sha256)))
      throw wrongDigest(this.clip.clip);
    this.#end = { state: 'fetched', reason: null };
  }

  #fail(error: unknown): void {
    this.#end = { state: 'failed', reason: describeError(error) };
  }
}

function wrongDigest(clip: string): GoshawkError {
  return new GoshawkError('GOSHAWK_CLIP_DIGEST', { clip });
}
