import { Worker } from 'node:worker_threads';
import { GoshawkError } from '../../contract/errors.ts';
import { bodySchemaOf } from '../../contract/telemetry/payloads.ts';
import { topicLevelSchema } from '../../contract/telemetry/speaker.ts';
import type { ReportedStream, StreamBody } from '../../contract/telemetry/streams.ts';
import type { LinkCode, LinkTrouble } from '../../platform/mqtt/link-trouble.ts';
import type {
  CountsByStream,
  FromTelemetryThread,
  OutboxTrouble,
  TelemetrySettings,
  ToTelemetryThread,
} from './protocol.ts';

export interface TelemetryStatus {
  readonly connected: boolean;
  readonly protocol: '5' | '3.1.1' | null;
  /** the broker of the list that is used, or was tried last; null before the first attempt ends */
  readonly broker: string | null;
  /**
   * trouble with the link, or of the broker with the messages; null if there is none and before the first attempt ends
   */
  readonly code: LinkCode | null;
  /** why the link is down or messages are refused; empty while all is well */
  readonly reason: string;
  /** why what waits is kept in memory only, and is lost with the process; null where the disk takes it */
  readonly outbox: OutboxTrouble | null;
  readonly streams: CountsByStream | null;
}

/**
 * The runtime's side of telemetry: hands bodies to a thread that owns the broker connection, and never waits
 * for it.
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID for a site, robot or node that cannot be used
 */
export class TelemetryClient {
  readonly #worker: Worker;
  readonly #closed: Promise<void>;
  #status: TelemetryStatus = {
    connected: false,
    protocol: null,
    broker: null,
    code: null,
    reason: 'not connected yet',
    outbox: null,
    streams: null,
  };
  #ended = false;

  constructor(
    settings: TelemetrySettings,
    entry: URL,
    onLink: (status: TelemetryStatus) => void,
    onOutbox: (note: OutboxTrouble | string | null) => void,
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
      if (message.type === 'counts') this.#status = { ...this.#status, streams: message.streams };
      if (message.type === 'delivery') this.#noteDelivery(message.trouble, onLink);
      if (message.type === 'log') onOutbox(message.line);
      if (message.type === 'outbox') {
        this.#status = { ...this.#status, outbox: message.trouble };
        onOutbox(message.trouble);
      }
      if (message.type !== 'link') return;
      const link = message.connected
        ? { connected: true, protocol: message.protocol, code: null, reason: '' }
        : { connected: false, protocol: null, ...message.trouble };
      this.#status = { ...this.#status, ...link, broker: message.url };
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

  #noteDelivery(trouble: LinkTrouble | null, onLink: (status: TelemetryStatus) => void): void {
    const { code = null, reason = '' } = trouble ?? {};
    if (!this.#status.connected || this.#status.reason === reason) return;
    this.#status = { ...this.#status, code, reason };
    onLink(this.#status);
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
