import { CLIP_PRIVACY, clipIdSchema, type ClipPrivacy, type ClipRecord } from '../../contract/clips.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { CLIP_CHUNK_BYTES, type ClipChunk, type ClipRequest } from '../../contract/telemetry/clips.ts';
import { cutText } from '../../core/cut-text.ts';
import { errorText } from '../../platform/error-text.ts';
import { putFile } from '../../platform/http/put-file.ts';
import { openRegularFile } from '../../platform/regular-file.ts';
import { sha256OfFile } from '../../model/bundle.ts';
import type { ClipStore } from './clip-store.ts';

/** Requests that wait; more are refused. */
const MAX_WAITING = 8;
/** Between chunks: 64 KiB a second at most, as for history. */
const CHUNK_MS = 500;

export interface ClipSenderPorts {
  /** what is hidden in clips now: one that hides less stays here */
  readonly privacy: ClipPrivacy;
  /** where clips may be put */
  readonly putHosts: readonly string[];
  /** @returns false if it was not published: the link is down, or a limit of bytes a day holds it back */
  publish(chunk: ClipChunk): Promise<boolean>;
  wait(ms: number): Promise<void>;
}

/**
 * Sends parts of clips to a fleet that asked for them, one request after another and no faster than a link can bear.
 * What does not arrive is asked for again, from where the fleet is: a request takes the place of the one before it for
 * the same clip, which gets no further answer. Never throws.
 */
export class ClipSender {
  readonly #store: ClipStore;
  readonly #ports: ClipSenderPorts;
  readonly #waiting: ClipRequest[] = [];
  /** the one that is answered, until another takes its place */
  #current: ClipRequest | null = null;
  #isBusy = false;
  #isEnding = false;

  constructor(store: ClipStore, ports: ClipSenderPorts) {
    this.#store = store;
    this.#ports = ports;
  }

  /** A request of the fleet: it is answered now, or in its turn. */
  take(request: ClipRequest): void {
    if (this.#current?.clip === request.clip) this.#current = null;
    const same = this.#waiting.findIndex(({ clip }) => clip === request.clip);
    if (same >= 0) {
      this.#waiting[same] = request;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      void this.#refuse(request, refused(request.clip, 'too many requests wait'));
      return;
    }
    this.#waiting.push(request);
    if (!this.#isBusy) void this.#work();
  }

  stop(): void {
    this.#isEnding = true;
    this.#waiting.length = 0;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      const asked = request;
      this.#current = asked;
      try {
        await this.#answer(asked);
      } catch (error) {
        await this.#refuse(
          asked,
          error instanceof GoshawkError ? error : refused(asked.clip, errorText(error)),
        );
      }
    }
    this.#current = null;
    this.#isBusy = false;
  }

  async #answer(request: ClipRequest): Promise<void> {
    const record = clipIdSchema.safeParse(request.clip).success ? this.#store.find(request.clip) : undefined;
    if (record === undefined) throw unknown(request.clip);
    this.#checkPrivacy(record);
    const path = this.#store.pathOf(record);
    await this.#store.reading(record.clip, async () => {
      const { putUrl } = request;
      if (putUrl === undefined) await this.#sendChunks(request, path);
      else await this.#put(request, path, record.sha256, putUrl);
    });
  }

  #checkPrivacy({ clip, privacy }: ClipRecord): void {
    const now = this.#ports.privacy;
    if (CLIP_PRIVACY.indexOf(privacy) < CLIP_PRIVACY.indexOf(now))
      throw refused(clip, `it was recorded with capture_privacy ${privacy}, and the robot has ${now} now`);
  }

  async #sendChunks(asked: ClipRequest, path: string): Promise<void> {
    const { request, clip, offset, maxBytes } = asked;
    const { handle, bytes: total } = await openRegularFile(path);
    try {
      if (offset >= total)
        throw refused(clip, `it has ${String(total)} bytes, and byte ${String(offset)} was asked for`);
      const end = Math.min(total, offset + maxBytes);
      for (let at = offset; at < end && this.#current === asked && !this.#isEnding;) {
        const piece = Buffer.alloc(Math.min(CLIP_CHUNK_BYTES, end - at));
        const { bytesRead } = await handle.read(piece, 0, piece.length, at);
        if (bytesRead === 0) throw refused(clip, 'its file became shorter');
        const data = piece.toString('base64', 0, bytesRead);
        const isLast = at + bytesRead >= end;
        if (!(await this.#ports.publish({ request, clip, offset: at, total, data, isLast }))) return;
        at += bytesRead;
        if (!isLast) await this.#ports.wait(CHUNK_MS);
      }
    } finally {
      await handle.close();
    }
  }

  async #put({ request, clip }: ClipRequest, path: string, sha256: string, url: string): Promise<void> {
    if ((await sha256OfFile(path)) !== sha256) throw refused(clip, 'its file was changed');
    const reason = await putFile(path, url, this.#ports.putHosts);
    if (reason !== null) throw refused(clip, reason);
    await this.#ports.publish({ request, clip, offset: 0, total: 0, data: '', isLast: true });
  }

  async #refuse({ request, clip }: ClipRequest, { code, message }: GoshawkError): Promise<void> {
    const reason = cutText(message, 500);
    await this.#ports.publish({
      request,
      clip,
      offset: 0,
      total: 0,
      data: '',
      isLast: true,
      refused: { code, reason },
    });
  }
}

function unknown(clip: string): GoshawkError {
  return new GoshawkError('GOSHAWK_CLIP_UNKNOWN', { clip: JSON.stringify(cutText(clip, 80)) });
}

function refused(clip: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_CLIP_NOT_SENT', { clip: cutText(clip, 80), reason });
}
