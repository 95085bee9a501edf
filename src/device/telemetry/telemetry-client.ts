import { GoshawkError } from '../../contract/errors.ts';
import { bodySchemaOf } from '../../contract/telemetry/payloads.ts';
import type { ClipChunk } from '../../contract/telemetry/clips.ts';
import { topicLevelSchema } from '../../contract/telemetry/speaker.ts';
import type { ReportedStream, StreamBody } from '../../contract/telemetry/streams.ts';
import type { FromTelemetryThread, StreamMessage, TelemetrySettings } from './protocol.ts';
import {
  NOT_CONNECTED_YET,
  statusAfter,
  statusWithoutThread,
  type TelemetryStatus,
} from './telemetry-status.ts';
import { TelemetryThread } from './telemetry-thread.ts';

/** What the thread posts besides the state of the link and counts. */
export type TelemetryNote = Extract<
  FromTelemetryThread,
  { readonly type: 'outbox' | 'fleet' | 'log' | 'clip-request' }
>;

/**
 * The runtime's side of telemetry: hands bodies to a thread that owns the broker connection, and never waits
 * for it.
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID for a site, robot or node that cannot be used
 */
export class TelemetryClient {
  readonly #thread: TelemetryThread;
  readonly #onLink: (status: TelemetryStatus) => void;
  readonly #onNote: (note: TelemetryNote) => void;
  #status = NOT_CONNECTED_YET;
  /** messages that found no thread, and that the next one declares */
  readonly #untaken = new Map<ReportedStream, number>();
  #transfers = 0;
  /** chunks whose fate is open, by number */
  readonly #transferring = new Map<number, (isSent: boolean) => void>();

  constructor(
    settings: TelemetrySettings,
    entry: URL,
    onLink: (status: TelemetryStatus) => void,
    onNote: (note: TelemetryNote) => void,
  ) {
    for (const name of ['site', 'robot', 'node'] as const) {
      const check = topicLevelSchema.safeParse(settings[name]);
      if (!check.success) {
        const reason = check.error.issues.map((issue) => issue.message).join('; ');
        throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value: settings[name], reason });
      }
    }
    this.#onLink = onLink;
    this.#onNote = onNote;
    this.#thread = new TelemetryThread(settings, entry, {
      onMessage: (message) => this.#noteMessage(message),
      onEnd: (reason) => this.#noteEnd(reason),
      onAgain: () => this.#declareUntaken(),
    });
  }

  get status(): TelemetryStatus {
    return this.#status;
  }

  /**
   * Hands a message to the thread.
   * @throws GoshawkError GOSHAWK_TELEMETRY_INVALID for one that violates its schema; pass it to `lose` then
   */
  send<Name extends ReportedStream>(stream: Name, body: StreamBody<Name>): void {
    const { success, data, error } = bodySchemaOf(stream).safeParse(body);
    if (success) {
      this.#hand({ type: 'message', stream, body: data });
      return;
    }
    const reason = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw new GoshawkError('GOSHAWK_TELEMETRY_INVALID', { stream, reason }, { cause: error });
  }

  /** A message that was due could not be made or sent: it is counted, and declared as a gap. */
  lose(stream: ReportedStream): void {
    this.#hand({ type: 'lost', stream, count: 1, reason: 'invalid' });
  }

  /** Publishes a chunk of a clip. @returns false if the link is down, or bytes are saved */
  transfer(chunk: ClipChunk): Promise<boolean> {
    const id = this.#transfers++;
    if (!this.#thread.post({ type: 'chunk', id, chunk })) return Promise.resolve(false);
    return new Promise((resolve) => this.#transferring.set(id, resolve));
  }

  /** Sends OFFLINE if the link is up, waits 3 s for the broker and 3 s for the disk at most, and ends the thread. */
  async close(): Promise<void> {
    await this.#thread.close();
    this.#endTransfers();
  }

  #noteMessage(message: FromTelemetryThread): void {
    const before = this.#status;
    this.#status = statusAfter(before, message);
    if (message.type === 'transferred') this.#noteTransfer(message.id, message.isSent);
    else if (isNote(message)) this.#onNote(message);
    else if (message.type === 'link' || (message.type === 'delivery' && this.#status !== before))
      this.#onLink(this.#status);
  }

  #noteEnd(reason: string): void {
    this.#status = statusWithoutThread(this.#status, reason);
    this.#endTransfers();
    this.#onLink(this.#status);
  }

  #hand(message: StreamMessage): void {
    if (this.#thread.post(message)) return;
    const { stream } = message;
    this.#untaken.set(stream, (this.#untaken.get(stream) ?? 0) + 1);
    this.#status = { ...this.#status, untaken: this.#status.untaken + 1 };
  }

  #declareUntaken(): void {
    for (const [stream, count] of this.#untaken)
      this.#thread.post({ type: 'lost', stream, count, reason: 'not_taken' });
    this.#untaken.clear();
  }

  #endTransfers(): void {
    for (const id of [...this.#transferring.keys()]) this.#noteTransfer(id, false);
  }

  #noteTransfer(id: number, isSent: boolean): void {
    this.#transferring.get(id)?.(isSent);
    this.#transferring.delete(id);
  }
}

const NOTES: ReadonlySet<string> = new Set<TelemetryNote['type']>(['outbox', 'fleet', 'log', 'clip-request']);

function isNote(message: FromTelemetryThread): message is TelemetryNote {
  return NOTES.has(message.type);
}
