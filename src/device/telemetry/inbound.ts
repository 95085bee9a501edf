import { clipIdSchema } from '../../contract/clips.ts';
import { tryParseJson } from '../../contract/json.ts';
import { payloadSchemaOf, type StreamPayload } from '../../contract/telemetry/payloads.ts';
import { TELEMETRY_VERSION } from '../../contract/telemetry/topics.ts';
import { cutText } from '../../core/cut-text.ts';
import { Pace } from '../../core/pace.ts';
import type { Clock } from '../../platform/clock.ts';
import type { RefusedByStream, RefusedReason, SenderIdentity } from './protocol.ts';

/** What comes to a robot, and the bytes of a message: more is not read. */
const MAX_BYTES = {
  /** a handful of ranges */
  ack: 256 * 1024,
  /** with a URL */
  'clip-request': 8 * 1024,
} as const;

/** Streams that come to a robot. */
type InboundStream = keyof typeof MAX_BYTES;

const MAJOR_VERSION = TELEMETRY_VERSION.slice(1);

/** Between lines about a stream and a reason. */
const INTERVAL_MS = 60_000;

const MAX_WORDS = 200;

/** Why a message is refused, in words that have no more of it than a few characters. */
class Refusal {
  readonly reason: RefusedReason;
  readonly words: string;

  constructor(reason: RefusedReason, words: string) {
    this.reason = reason;
    this.words = words;
  }
}

/**
 * Reads what comes to a robot. What is no message of its stream to this robot is refused: counted by reason, and logged
 * without flooding the log. It changes nothing else. Never throws.
 */
export class Inbound {
  readonly #identity: SenderIdentity;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #log: (line: string) => void;
  readonly #pace = new Pace(INTERVAL_MS);
  readonly #refused: Record<InboundStream, Partial<Record<RefusedReason, number>>> = {
    ack: {},
    'clip-request': {},
  };

  constructor(identity: SenderIdentity, clock: Pick<Clock, 'monotonicMs'>, log: (line: string) => void) {
    this.#identity = identity;
    this.#clock = clock;
    this.#log = log;
  }

  /** Messages that were refused. */
  get refused(): RefusedByStream {
    return { ack: { ...this.#refused.ack }, 'clip-request': { ...this.#refused['clip-request'] } };
  }

  /** @returns null if it is refused */
  ack(payload: Buffer): StreamPayload<'ack'> | null {
    return this.#read('ack', payload);
  }

  /**
   * A name that is no clip's is counted as refused, and returned all the same: whoever has the clips answers that there
   * is none, and the fleet need not wait for it.
   * @returns null if it is refused without an answer
   */
  clipRequest(payload: Buffer): StreamPayload<'clip-request'> | null {
    const request = this.#read('clip-request', payload);
    if (request !== null && !clipIdSchema.safeParse(request.clip).success) {
      const words = `${JSON.stringify(cutText(request.clip, 80))} is no name of a clip`;
      this.#refuse('clip-request', new Refusal('clip', words));
    }
    return request;
  }

  #read<S extends InboundStream>(stream: S, payload: Buffer): StreamPayload<S> | null {
    const found = this.#check(stream, payload);
    if (!(found instanceof Refusal)) return found;
    this.#refuse(stream, found);
    return null;
  }

  #check<S extends InboundStream>(stream: S, payload: Buffer): StreamPayload<S> | Refusal {
    const most = MAX_BYTES[stream];
    if (payload.length > most)
      return new Refusal('too_large', `${String(payload.length)} bytes, ${String(most)} at most`);
    const json = tryParseJson(payload.toString());
    // Whoever floods a robot must not have it make a long list of errors for each message.
    if (typeof json !== 'object' || json === null) return new Refusal('json', 'it is no JSON object');
    if (
      'version' in json &&
      typeof json.version === 'string' &&
      json.version.split('.', 1)[0] !== MAJOR_VERSION
    )
      return new Refusal('version', `version ${JSON.stringify(cutText(json.version, 32))}`);
    const { data, error } = payloadSchemaOf(stream).safeParse(json);
    if (data === undefined) {
      const first = error?.issues[0];
      return new Refusal('schema', `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`);
    }
    const { serialNumber, node } = data;
    const isOwn = serialNumber === this.#identity.robot && node === this.#identity.node;
    return isOwn ? data : new Refusal('identity', `it is to ${serialNumber}/${node}`);
  }

  #refuse(stream: InboundStream, { reason, words }: Refusal): void {
    const counts = this.#refused[stream];
    counts[reason] = (counts[reason] ?? 0) + 1;
    const heldBack = this.#pace.admit(`${stream} ${reason}`, this.#clock.monotonicMs());
    if (heldBack === null) return;
    const more = heldBack === 0 ? '' : `; ${String(heldBack)} more since the last such line`;
    this.#log(`a message of '${stream}' was refused (${reason}): ${cutText(words, MAX_WORDS)}${more}`);
  }
}
