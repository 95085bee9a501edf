import type { InspectRequest, TelemetryReport } from '../../contract/telemetry/ledger.ts';
import { lossesOf } from './outbox/recover.ts';
import type { OutboxView } from './outbox/outbox.ts';
import type { FromTelemetryThread } from './protocol.ts';
import { NOT_CONNECTED_YET, statusAfter } from './telemetry-status.ts';
import { InspectServer, type InspectSource } from './inspect/inspect-server.ts';
import { ledgerRows } from './inspect/ledger-rows.ts';

/** Answers `goshawk telemetry` for a sender that runs in this thread. */
export class Inspection implements InspectSource {
  readonly #content: () => OutboxView | null;
  #status = NOT_CONNECTED_YET;
  #server: InspectServer | null = null;

  /** @param content what the outbox contains; null before it is open */
  constructor(content: () => OutboxView | null) {
    this.#content = content;
  }

  /**
   * Answers in the folder of an outbox that was opened; no longer where it answered before.
   * @param log gets a line if that is not possible
   */
  async serve(folder: string, log: (line: string) => void): Promise<void> {
    await this.close();
    this.#server = await InspectServer.open(folder, this, log);
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await server?.close();
  }

  /** A message was made. */
  noteMade(stream: string, payload: string): void {
    this.#server?.note(stream, payload);
  }

  /** The sender has posted something. */
  note(message: FromTelemetryThread): void {
    this.#status = statusAfter(this.#status, message);
  }

  answer(ask: Exclude<InspectRequest['ask'], 'tail'>): object {
    if (ask === 'link') return { link: this.#link() };
    const content = this.#content();
    if (content === null) return { rows: [] };
    const { accounts, entries } = content;
    const losses = accounts.flatMap((account) => lossesOf(account, entries, null));
    return { rows: ledgerRows({ ...content, losses }) };
  }

  #link(): NonNullable<TelemetryReport['link']> {
    const { broker, connected, protocol, code, reason, outbox, fleet } = this.#status;
    return { broker, connected, protocol, code, reason, outbox, fleet };
  }
}
