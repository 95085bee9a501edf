import { Worker } from 'node:worker_threads';
import { GoshawkError } from '../../contract/errors.ts';
import { bodySchemaOf } from '../../contract/telemetry/payloads.ts';
import { topicLevelSchema } from '../../contract/telemetry/speaker.ts';
import type { ReportedStream, StreamBody } from '../../contract/telemetry/streams.ts';
import type { FromTelemetryThread, TelemetrySettings, ToTelemetryThread } from './protocol.ts';
import { NOT_CONNECTED_YET, statusAfter, type TelemetryStatus } from './telemetry-status.ts';

/** What the thread posts besides the state of the link and counts. */
export type TelemetryNote = Extract<FromTelemetryThread, { readonly type: 'outbox' | 'fleet' | 'log' }>;

/**
 * The runtime's side of telemetry: hands bodies to a thread that owns the broker connection, and never waits
 * for it.
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID for a site, robot or node that cannot be used
 */
export class TelemetryClient {
  readonly #worker: Worker;
  readonly #closed: Promise<void>;
  #status = NOT_CONNECTED_YET;
  #ended = false;

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
    this.#worker = new Worker(entry, { workerData: settings, name: 'goshawk-telemetry' });
    this.#worker.on('message', (message: FromTelemetryThread) => {
      const before = this.#status;
      this.#status = statusAfter(before, message);
      if (message.type === 'outbox' || message.type === 'fleet' || message.type === 'log') onNote(message);
      else if (message.type === 'link' || (message.type === 'delivery' && this.#status !== before))
        onLink(this.#status);
    });
    this.#worker.on('error', (error) => {
      this.#ended = true;
      this.#status = { ...this.#status, connected: false, protocol: null, code: null, reason: error.message };
      onLink(this.#status);
    });
    this.#closed = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#ended = true;
        resolve();
      });
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
      this.#post({ type: 'message', stream, body: data });
      return;
    }
    const reason = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw new GoshawkError('GOSHAWK_TELEMETRY_INVALID', { stream, reason }, { cause: error });
  }

  /** A message that was due could not be made or sent: it is counted, and declared as a gap. */
  lose(stream: ReportedStream): void {
    this.#post({ type: 'lost', stream });
  }

  /** Sends OFFLINE if the link is up, waits 3 s at most, and ends the thread. */
  async close(): Promise<void> {
    this.#post({ type: 'close' });
    await this.#closed;
  }

  #post(message: ToTelemetryThread): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }
}
