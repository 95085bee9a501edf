import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Clip } from '../../contract/clips.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { ClipTransfer } from '../../contract/fleet/clips.ts';
import type { ClipChunk, ClipRequest } from '../../contract/telemetry/clips.ts';
import { payloadSchemaOf } from '../../contract/telemetry/payloads.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import { readPayload, readTopic } from '../check/read-message.ts';
import { RobotMessages } from '../outbound/robot-messages.ts';
import { ClipFetch } from './clip-fetch.ts';
import { ClipFolder } from './clip-folder.ts';
import { FetchQueue } from './fetch-queue.ts';
import { removeOldParts } from './old-parts.ts';
import { PartFile } from './part-file.ts';

/** Clips that are remembered after they were fetched, or failed. */
const MAX_FETCHES = 1_000;
/** Robots of which clips are fetched at a time, and clips of one of them, with those that wait. */
const MAX_ROBOTS = 16;
const MAX_OF_ROBOT = 16;
const LOOK_MS = 1_000;
const TIDY_MS = 3_600_000;
/** A chunk has 32 KiB, in Base64, and a header. */
const CHUNK_RULES = { schema: payloadSchemaOf('clip-chunk'), maxBytes: 128 << 10 };

export interface ClipFetcherOptions {
  /** where clips are kept; null: they are only put elsewhere */
  readonly folder: string | null;
  /** that clips in the folder may take, with those that are fetched */
  readonly budgetBytes: number;
  /** monotonic */
  readonly nowMs: () => number;
  /** log, a line each */
  readonly say: (line: string) => void;
}

/** How a fetch stands, and which older clips made room for it: paths in the folder, without a suffix. */
interface BegunFetch extends ClipTransfer {
  readonly removed: readonly string[];
}

/** Fetches clips from robots, in parts and with the digest that was offered, into the fleet's folder. */
export class ClipFetcher {
  readonly #options: ClipFetcherOptions;
  readonly #messages = new RobotMessages('clip-request', randomUUID());
  /** by sender and clip, the oldest first */
  readonly #fetches = new Map<string, ClipFetch>();
  /** by sender, while clips of it are fetched */
  readonly #queues = new Map<string, FetchQueue>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #kept: ClipFolder | null;
  /** one clip after another finds its room */
  #turn: Promise<unknown> = Promise.resolve();
  #publish: (topic: string, payload: string) => void = () => undefined;

  constructor(options: ClipFetcherOptions) {
    this.#options = options;
    this.#kept = options.folder === null ? null : new ClipFolder(options.folder, options.budgetBytes);
  }

  /** What clips take of their budget; null without a folder. */
  get kept(): Pick<ClipFolder, 'bytes' | 'removed' | 'budgetBytes'> | null {
    return this.#kept;
  }

  /** @param publish sends to robots through every broker: each robot is at one of them */
  start(publish: (topic: string, payload: string) => void): void {
    this.#publish = publish;
    this.#timers.push(setInterval(() => this.look(), LOOK_MS));
    this.#timers.push(setInterval(() => void this.tidy(), TIDY_MS));
    void this.tidy();
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /**
   * Begins to fetch a clip, or goes on, once those of its robot that were asked for before are here.
   * @throws GoshawkError GOSHAWK_CLIPS_OFF without a folder or a URL, GOSHAWK_CLIP_NOT_SENT if too many are fetched, or
   * this one to another place, GOSHAWK_CLIPS_FULL if it does not fit in the budget
   */
  async fetch(sender: Speaker, clip: Clip, putUrl: string | undefined): Promise<BegunFetch> {
    const turn = this.#turn.then(() => this.#begin(sender, clip, putUrl));
    this.#turn = turn.catch(() => undefined);
    const { fetch, queue, removed } = await turn;
    await queue?.advance(this.#options.nowMs());
    return { ...fetch.transfer, removed };
  }

  async #begin(sender: Speaker, clip: Clip, putUrl: string | undefined): Promise<Begun> {
    const key = keyOf(sender, clip.clip);
    const running = this.#fetches.get(key);
    if (running !== undefined && !running.isOver) {
      if (running.putUrl === putUrl) return { fetch: running, queue: null, removed: [] };
      throw notSent(clip.clip, 'it is being fetched already, to another place');
    }
    const { folder } = this.#options;
    if (folder === null && putUrl === undefined) throw new GoshawkError('GOSHAWK_CLIPS_OFF');
    const queue = this.#queueOf(sender, clip.clip);
    const removed = putUrl === undefined ? await this.#makeRoom(key, clip) : [];
    const file = new PartFile(folder ?? '', sender, clip.clip);
    const fetch = new ClipFetch(clip, file, putUrl, (request) => this.#send(sender, request));
    this.#fetches.delete(key);
    this.#fetches.set(key, fetch);
    queue.add(fetch);
    return { fetch, queue, removed };
  }

  async #makeRoom(key: string, { clip, bytes }: Clip): Promise<readonly string[]> {
    const fetched = [...this.#fetches].filter(([, { isOver, putUrl }]) => !isOver && putUrl === undefined);
    const reserved = new Map(fetched.map(([path, fetch]) => [path, fetch.clip.bytes]));
    const removed = (await this.#kept?.makeRoom(reserved.set(key, bytes), clip)) ?? [];
    for (const path of removed) {
      this.#fetches.delete(path);
      this.#options.say(`removed clip ${path} to make room for ${key}`);
    }
    return removed;
  }

  /** What the fleet has of a clip. */
  async transferOf(sender: Speaker, { clip, bytes }: Clip): Promise<ClipTransfer> {
    const known = this.#fetches.get(keyOf(sender, clip))?.transfer;
    const { folder } = this.#options;
    if (folder === null) return known ?? { state: 'offered', bytes: 0, reason: null };
    // the file of one that was fetched may have been taken elsewhere since
    if (known !== undefined && known.state !== 'fetched') return known;
    const file = new PartFile(folder, sender, clip);
    if (await file.isWhole()) return { state: 'fetched', bytes, reason: null };
    return { state: 'offered', bytes: await file.size(), reason: null };
  }

  /**
   * The file of a clip that was fetched, to be read and closed. It stays readable if it has to make room meanwhile.
   * @throws GoshawkError GOSHAWK_CLIPS_OFF without a folder, GOSHAWK_CLIP_NOT_HERE if it is not in there, or what the
   * file system throws
   */
  async open(sender: Speaker, { clip, bytes }: Pick<Clip, 'clip' | 'bytes'>): Promise<FileHandle> {
    const { folder } = this.#options;
    if (folder === null) throw new GoshawkError('GOSHAWK_CLIPS_OFF');
    const file = await new PartFile(folder, sender, clip).open();
    if (file?.bytes === bytes) return file.handle;
    await file?.handle.close();
    const transfer = this.#fetches.get(keyOf(sender, clip))?.transfer;
    const reason = file === null ? whyNotHere(transfer) : 'the file there is not as long as the robot said';
    throw new GoshawkError('GOSHAWK_CLIP_NOT_HERE', { clip, reason });
  }

  /**
   * A message on a topic of chunks. Whatever was not asked for is ignored.
   * @returns a promise for when it is written, which is never rejected; undefined if it is ignored
   * @throws Refused for one that is no chunk, or not of the sender that its topic names
   */
  take(topic: string, payload: Uint8Array): Promise<void> | undefined {
    const { sender } = readTopic(topic);
    if (this.#fetches.size === 0) return undefined;
    const { body } = readPayload(CHUNK_RULES, { sender, payload });
    return this.#take(sender, body);
  }

  /** Asks again for what does not come, and begins what waits. */
  look(): void {
    const nowMs = this.#options.nowMs();
    for (const [sender, queue] of this.#queues) {
      queue.look(nowMs);
      if (queue.length === 0) this.#queues.delete(sender);
      else void queue.advance(nowMs);
    }
  }

  /** Removes what came of clips long ago, and was never all of one. Never throws. */
  async tidy(): Promise<void> {
    const { folder, say } = this.#options;
    const removed = folder === null ? 0 : await removeOldParts(folder, Date.now());
    await this.#kept?.look();
    if (removed > 0) say(`removed what had come of ${removed} clips that nobody went on fetching`);
  }

  async #take(sender: Speaker, chunk: ClipChunk): Promise<void> {
    const fetch = this.#fetches.get(keyOf(sender, chunk.clip));
    await fetch?.take(chunk, this.#options.nowMs());
    if (fetch?.isOver === true) await this.#queues.get(keyOf(sender))?.advance(this.#options.nowMs());
  }

  /** @throws GoshawkError GOSHAWK_CLIP_NOT_SENT if it is full, or there are too many */
  #queueOf(sender: Speaker, clip: string): FetchQueue {
    const key = keyOf(sender);
    const queue = this.#queues.get(key) ?? new FetchQueue();
    const busy = [...this.#queues.values()].filter((one) => one !== queue && one.length > 0);
    if (busy.length >= MAX_ROBOTS)
      throw notSent(clip, `clips of ${String(MAX_ROBOTS)} other robots are being fetched`);
    if (queue.length >= MAX_OF_ROBOT)
      throw notSent(clip, `${String(MAX_OF_ROBOT)} other clips of the robot are to be fetched before`);
    this.#queues.set(key, queue);
    for (const [known, { isOver }] of this.#fetches)
      if (isOver && this.#fetches.size >= MAX_FETCHES) this.#fetches.delete(known);
    return queue;
  }

  #send(sender: Speaker, request: ClipRequest): void {
    const { topic, payload } = this.#messages.compose(sender, request);
    this.#publish(topic, payload);
  }
}

interface Begun {
  readonly fetch: ClipFetch;
  /** null if it runs already */
  readonly queue: FetchQueue | null;
  readonly removed: readonly string[];
}

/** Of a sender, or of one of its clips: then its path in the folder, without a suffix. */
function keyOf({ site, robot, node }: Speaker, clip = ''): string {
  return `${site}/${robot}/${node}/${clip}`;
}

function whyNotHere(transfer: ClipTransfer | undefined): string {
  switch (transfer?.state) {
    case 'queued':
    case 'fetching':
      return `it is being fetched, and ${String(transfer.bytes)} bytes are here`;
    case 'put':
      return 'the robot has put it elsewhere';
    case 'failed':
      return transfer.reason ?? 'it could not be fetched';
    default:
      return 'it was not fetched, or removed since';
  }
}

function notSent(clip: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_CLIP_NOT_SENT', { clip, reason });
}
