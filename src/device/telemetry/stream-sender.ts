import { tryParseJson } from '../../contract/json.ts';
import { PAYLOAD_VERSION, type TelemetryHeader } from '../../contract/telemetry/header.ts';
import { payloadSchemaOf } from '../../contract/telemetry/payloads.ts';
import { telemetryClientId } from '../../contract/telemetry/speaker.ts';
import { STORED_STREAMS, streamRow, type Stream, type StreamBody } from '../../contract/telemetry/streams.ts';
import { telemetryTopic } from '../../contract/telemetry/topics.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import { errorText } from '../../platform/error-text.ts';
import { troubleOfMessage } from '../../platform/mqtt/link-trouble.ts';
import type { LinkEvents, LinkIdentity, MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { AckWatch } from './ack-watch.ts';
import { Budget } from './budget.ts';
import { Dispatcher } from './dispatcher.ts';
import { DiskOutbox, type DiskPorts } from './outbox/disk-outbox.ts';
import type { Draft, OutboxView } from './outbox/outbox.ts';
import type { MarkStore, OutboxStore } from './outbox/store.ts';
import type { FromTelemetryThread, SenderIdentity, StreamMessage } from './protocol.ts';

/** A last message and the end of the connection may take this long together. */
const CLOSE_LIMIT_MS = 3_000;

/** Changes gather for this long before the disk is synced. */
const GROUP_MS = 50;

const TICK_MS = 1_000;

/** An acknowledgement is a handful of ranges; more is not read. */
const MAX_ACK_BYTES = 256 * 1024;

/** While there is only memory, the disk is tried again after this time. */
const RETRY_DISK_MS = 30_000;

/** Share of the bounds of streams while there is only memory. */
const MEMORY_SHARE = 1 / 16;

/** What the sender needs of the connection to the broker. */
export type SenderLink = Pick<MqttLink, 'connected' | 'open' | 'publish' | 'close' | 'drop'>;

/** The disk below the outbox. */
export interface SenderDisk {
  readonly store: OutboxStore;
  readonly marks: MarkStore;
}

/** What the sender is connected to. */
export interface SenderPorts {
  createLink(identity: LinkIdentity, events: LinkEvents): SenderLink;
  /** @throws GoshawkError GOSHAWK_OUTBOX_IN_USE, GOSHAWK_OUTBOX_UNWRITABLE */
  openDisk(): Promise<SenderDisk>;
  post(message: FromTelemetryThread): void;
  /** A message was made, or one that waits has changed. */
  onMade?(stream: Stream, payload: string): void;
  readonly clock: Clock;
  /** bytes that may be published in a day; 0 for no limit */
  readonly bytesPerDay: number;
}

type SendError = Error & { readonly code?: unknown };

/**
 * Sends the streams of one detector: numbers their messages, keeps them on the disk until the fleet acknowledges
 * them, and declares what was lost. It neither waits for the broker nor throws: what becomes of messages is posted.
 */
export class StreamSender {
  readonly #identity: SenderIdentity;
  readonly #ports: SenderPorts;
  readonly #link: SenderLink;
  /** what was received before the outbox was open */
  readonly #early: StreamMessage[] = [];
  #disk: DiskOutbox | null = null;
  #dispatcher: Dispatcher | null = null;
  #budget: Budget | null = null;
  #isDurable = true;
  #nextDiskMs = Infinity;
  #presenceCount = 0;
  /** number of the first message of the connection that is up, or is tried */
  #birth = 0;
  #isHibernating = false;
  #flushTimer: TimerHandle | undefined;
  #tickTimer: TimerHandle | undefined;
  #lastCounts = '';
  #lastMeter = '';
  readonly #ackWatch = new AckWatch();
  #isUnacknowledged = false;
  #sentBytes = 0;
  #starting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(identity: SenderIdentity, ports: SenderPorts) {
    this.#identity = identity;
    this.#ports = ports;
    const will = { topic: this.#topic('connection'), payload: () => this.#will() };
    this.#link = ports.createLink(
      { clientId: telemetryClientId(identity), will, listensTo: this.#topic('ack') },
      {
        onUp: (protocol, url) => {
          ports.post({ type: 'link', connected: true, protocol, url });
          void this.#announce();
        },
        onDown: (trouble, url) => {
          this.#dispatcher?.linkDown();
          ports.post({ type: 'link', connected: false, trouble, url });
        },
        onLeave: () => this.#leave(),
        onMessage: (payload) => this.#acknowledge(payload),
      },
    );
  }

  /** Opens the outbox, or one in memory if the disk cannot be used, and then the link. */
  start(): Promise<void> {
    this.#starting ??= this.#startNow();
    return this.#starting;
  }

  async #startNow(): Promise<void> {
    const disk = await this.#openOutbox();
    this.#disk = disk;
    this.#budget = new Budget(this.#ports.bytesPerDay, () => disk.usedBytes, this.#ports.clock);
    this.#dispatcher = new Dispatcher(disk, {
      publish: (stream, payload) => this.#publish(stream, payload),
      clock: this.#ports.clock,
      budget: this.#budget,
    });
    for (const message of this.#early.splice(0)) this.receive(message);
    if (this.#closing !== null) return;
    this.#tickLater();
    this.#link.open();
  }

  /** What the outbox contains; null before it is open. */
  content(): OutboxView | null {
    return this.#disk?.outbox.content() ?? null;
  }

  /** Takes a message of the runtime; delivery starts immediately if the link is up. */
  receive(message: StreamMessage): void {
    const disk = this.#disk;
    if (disk === null) this.#early.push(message);
    else if (message.type === 'lost') disk.lose(message.stream, 'invalid');
    else {
      disk.put(message.stream, message.body);
      if (message.stream === 'state') this.#noteLifecycle(message.body);
    }
    this.#dispatcher?.wake();
  }

  /**
   * Delivers the messages made while the link was up, sends OFFLINE if the link is up, and closes link and outbox:
   * within the time limit, whatever the broker does. What was not acknowledged stays on the disk for the next boot.
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    return this.#closing;
  }

  async #closeNow(): Promise<void> {
    const { clock } = this.#ports;
    let timer: TimerHandle | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = clock.startTimer(resolve, CLOSE_LIMIT_MS);
    });
    await Promise.race([this.#starting, limit]);
    await Promise.race([this.#sayOffline().catch(() => undefined), limit]);
    await Promise.race([this.#link.close().catch(() => undefined), limit]);
    if (timer !== undefined) clock.stopTimer(timer);
    // A broker that refuses the last message, or never answers, must not keep this thread, and with it the process,
    // alive.
    this.#link.drop();
    this.#dispatcher?.stop();
    for (const pending of [this.#tickTimer, this.#flushTimer])
      if (pending !== undefined) clock.stopTimer(pending);
    await this.#disk?.close().catch((error: unknown) => this.#noteDisk(error));
    this.#postCounts();
  }

  async #openOutbox(): Promise<DiskOutbox> {
    const { clock } = this.#ports;
    const ports: DiskPorts = {
      compose: (draft) => this.#compose(draft),
      now: () => clock.monotonicMs() / 1000,
      onDirty: () => this.#flushLater(),
    };
    try {
      const opened = await this.#ports.openDisk();
      return await DiskOutbox.open(opened.store, opened.marks, ports, this.#identity.bootId).catch(
        async (error: unknown) => {
          await release(opened);
          throw error;
        },
      );
    } catch (error) {
      this.#noteDisk(error);
      this.#nextDiskMs = clock.monotonicMs() + RETRY_DISK_MS;
      return DiskOutbox.openInMemory(ports, this.#identity.bootId);
    }
  }

  /** The disk could not be used when this boot began: waiting messages move there once it can. */
  async #findDisk(disk: DiskOutbox): Promise<void> {
    this.#nextDiskMs = Infinity;
    let opened: SenderDisk | null = null;
    try {
      opened = await this.#ports.openDisk();
      if (this.#closing === null) await disk.moveTo(opened.store, opened.marks);
      if (!disk.isInMemory) this.#noteDisk(null);
    } catch (error) {
      this.#noteDisk(error);
    }
    if (!disk.isInMemory) return;
    if (opened !== null) await release(opened);
    this.#nextDiskMs = this.#ports.clock.monotonicMs() + RETRY_DISK_MS;
  }

  async #announce(): Promise<void> {
    try {
      await this.#publish('connection', this.#presence(this.#alive()));
      if (this.#link.connected) await this.#dispatcher?.linkUp();
    } catch {
      // Posted by `publish`. Messages may be accepted though this one is not.
      if (this.#link.connected) await this.#dispatcher?.linkUp();
    }
  }

  #alive(): 'ONLINE' | 'HIBERNATING' {
    return this.#isHibernating ? 'HIBERNATING' : 'ONLINE';
  }

  /** A detector that is not active takes no frames by intention: it hibernates. */
  #noteLifecycle(state: object): void {
    if (!('lifecycle' in state)) return;
    const isHibernating = state.lifecycle !== 'active';
    if (isHibernating === this.#isHibernating) return;
    this.#isHibernating = isHibernating;
    if (!this.#link.connected || this.#closing !== null) return;
    // If this one is lost, so is the link, and the next connection reports it.
    this.#publish('connection', this.#presence(this.#alive())).catch(() => undefined);
  }

  /** The last will of the connection that is tried now, which begins with the message after it. */
  #will(): string {
    this.#birth = this.#presenceCount + 1;
    return this.#presence('CONNECTION_BROKEN');
  }

  /** The robot leaves this broker: its retained message must not claim that it is still connected. */
  async #leave(): Promise<void> {
    this.#dispatcher?.linkDown();
    await this.#publish('connection', this.#presence('OFFLINE'));
  }

  async #sayOffline(): Promise<void> {
    await this.#dispatcher?.untilIdle();
    if (this.#link.connected) await this.#publish('connection', this.#presence('OFFLINE'));
  }

  #acknowledge(payload: Buffer): void {
    const outbox = this.#disk?.outbox;
    if (outbox === undefined || payload.length > MAX_ACK_BYTES) return;
    const { data } = payloadSchemaOf('ack').safeParse(tryParseJson(payload.toString()));
    for (const { stream, bootId, ranges } of data?.acks ?? []) {
      const stored = STORED_STREAMS.find((name) => name === stream);
      if (stored !== undefined) outbox.acknowledge(stored, bootId, ranges);
    }
    this.#dispatcher?.wake();
  }

  /**
   * Publishes, and posts whether the broker accepts it: a link that is up but delivers nothing must not look healthy.
   */
  async #publish(stream: Stream, payload: string | Buffer): Promise<void> {
    const topic = this.#topic(stream);
    const { qos, retained } = streamRow(stream);
    if (this.#ports.bytesPerDay > 0) this.#disk?.countBytes(topic.length + Buffer.byteLength(payload));
    try {
      await this.#link.publish(topic, payload, { qos, retain: retained });
      this.#sentBytes += Buffer.byteLength(payload);
      this.#ports.post({ type: 'delivery', trouble: null });
    } catch (error) {
      const trouble = troubleOfMessage(topic, error as SendError);
      if (trouble !== null) this.#ports.post({ type: 'delivery', trouble });
      throw error;
    }
  }

  #flushLater(): void {
    this.#flushTimer ??= this.#ports.clock.startTimer(() => {
      this.#flushTimer = undefined;
      void this.#flush();
    }, GROUP_MS);
  }

  async #flush(): Promise<void> {
    try {
      await this.#disk?.flush();
      if (this.#disk?.isInMemory === false) this.#noteDisk(null);
    } catch (error) {
      this.#noteDisk(error);
    }
    this.#dispatcher?.wake();
  }

  #tickLater(): void {
    this.#tickTimer = this.#ports.clock.startTimer(() => {
      this.#tickLater();
      void this.#tick();
    }, TICK_MS);
  }

  async #tick(): Promise<void> {
    this.#dispatcher?.tick();
    await this.#disk?.trim(this.#isDurable ? 1 : MEMORY_SHARE);
    if (this.#disk?.isDirty === true) this.#flushLater();
    if (this.#disk !== null && this.#ports.clock.monotonicMs() >= this.#nextDiskMs)
      void this.#findDisk(this.#disk);
    this.#watchAcknowledgements();
    this.#postCounts();
    this.#postMeter();
  }

  #watchAcknowledgements(): void {
    const outbox = this.#disk?.outbox;
    if (outbox === undefined) return;
    const trouble = this.#ackWatch.look(this.#ports.clock.monotonicMs(), outbox.acknowledgement());
    if ((trouble !== null) === this.#isUnacknowledged) return;
    this.#isUnacknowledged = trouble !== null;
    this.#ports.post({ type: 'fleet', trouble });
  }

  /** @param error null: it takes what it is given */
  #noteDisk(error: unknown): void {
    const isDurable = error === null;
    if (isDurable === this.#isDurable) return;
    this.#isDurable = isDurable;
    const trouble = isDurable
      ? null
      : { code: codeOf(error) ?? 'GOSHAWK_OUTBOX_UNWRITABLE', reason: errorText(error) };
    this.#ports.post({ type: 'outbox', trouble });
  }

  #compose({ boot, stream, first, last, body, timestamp = this.#timestamp() }: Draft): string {
    const header: TelemetryHeader = {
      ...this.#header(last, timestamp),
      bootId: boot.bootId,
      // Without a disk nobody knows how many boots there were before.
      ...(this.#disk?.isInMemory === true ? {} : { bootCount: boot.bootCount }),
      ...(first < last ? { firstHeaderId: first } : {}),
    };
    const payload = JSON.stringify({ ...header, ...body });
    this.#ports.onMade?.(stream, payload);
    return payload;
  }

  #presence(connectionState: StreamBody<'connection'>['connectionState']): string {
    const header = this.#header(this.#presenceCount++, this.#timestamp());
    const bootCount = this.#disk?.isInMemory === false ? this.#disk.outbox.boot.bootCount : undefined;
    return JSON.stringify({ ...header, bootCount, connectionState, birthHeaderId: this.#birth });
  }

  #header(headerId: number, timestamp: string): TelemetryHeader {
    const { manufacturer, robot, node, bootId } = this.#identity;
    return { headerId, timestamp, version: PAYLOAD_VERSION, manufacturer, serialNumber: robot, node, bootId };
  }

  #topic(stream: Stream): string {
    return telemetryTopic(this.#identity, stream);
  }

  #timestamp(): string {
    return new Date(this.#ports.clock.wallMs()).toISOString();
  }

  #postMeter(): void {
    const { bytesPerDay } = this.#ports;
    const used = this.#disk?.usedBytes;
    const allowance = this.#budget?.allowance;
    if (bytesPerDay === 0 || used === undefined || allowance === undefined) return;
    const text = `${allowance} ${String(used)}`;
    if (text === this.#lastMeter) return;
    this.#lastMeter = text;
    this.#ports.post({ type: 'meter', meter: { bytesPerDay, usedBytes: used, allowance } });
  }

  #postCounts(): void {
    const streams = this.#disk?.outbox.counts();
    const text = JSON.stringify(streams);
    if (streams === undefined || text === this.#lastCounts) return;
    this.#lastCounts = text;
    this.#ports.post({ type: 'counts', streams, sentBytes: this.#sentBytes });
  }
}

async function release({ store, marks }: SenderDisk): Promise<void> {
  await marks.close().catch(() => undefined);
  await store.close().catch(() => undefined);
}

function codeOf(error: unknown): 'GOSHAWK_OUTBOX_IN_USE' | 'GOSHAWK_OUTBOX_UNWRITABLE' | null {
  const { code } = error as { code?: unknown };
  return code === 'GOSHAWK_OUTBOX_IN_USE' || code === 'GOSHAWK_OUTBOX_UNWRITABLE' ? code : null;
}
