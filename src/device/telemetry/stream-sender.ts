import { PAYLOAD_VERSION, type TelemetryHeader } from '../../contract/telemetry/header.ts';
import { telemetryClientId } from '../../contract/telemetry/speaker.ts';
import { STORED_STREAMS, streamRow, type Stream, type StreamBody } from '../../contract/telemetry/streams.ts';
import { telemetryTopic } from '../../contract/telemetry/topics.ts';
import type { Clock, TimerHandle } from '../../platform/clock.ts';
import { errorText } from '../../platform/error-text.ts';
import { TIME_IS_UP, withTimeLimit } from '../../platform/time-limit.ts';
import { troubleOfMessage } from '../../platform/mqtt/link-trouble.ts';
import type { LinkEvents, LinkIdentity, MqttLink } from '../../platform/mqtt/mqtt-link.ts';
import { AckWatch } from './ack-watch.ts';
import { Budget } from './budget.ts';
import { Dispatcher, type ResendTiming } from './dispatcher.ts';
import { limitDisk, type OutboxDisk } from './outbox/disk-limit.ts';
import { DiskOutbox, type DiskPorts } from './outbox/disk-outbox.ts';
import type { Draft, OutboxView } from './outbox/outbox.ts';
import { FULL_BOUNDS, type OutboxBounds } from './outbox/stream-queue.ts';
import { FaultLog } from './fault-log.ts';
import { Inbound } from './inbound.ts';
import type { ChunkMessage, FromTelemetryThread, SenderIdentity, StreamMessage } from './protocol.ts';

/** A last message and the end of the connection may take this long together. */
const CLOSE_LIMIT_MS = 3_000;

/** Changes gather for this long before the disk is synced. */
const GROUP_MS = 50;

const TICK_MS = 1_000;

/** A disk that takes longer to open is used once it is open, and memory until then. */
const OPEN_LIMIT_MS = 15_000;

/** What waits in memory when the outbox is closed may take this long to reach the disk. */
const CLOSE_DISK_LIMIT_MS = 3_000;

/** While there is only memory, the disk is tried again after this time. */
const RETRY_DISK_MS = 30_000;

/** While the disk takes nothing: what waits in memory must not grow to what a disk may hold. */
const MEMORY_BOUNDS: OutboxBounds = { share: 1 / 16, of: 'unwritten' };

/** What the sender needs of the connection to the broker. */
export type SenderLink = Pick<MqttLink, 'connected' | 'open' | 'publish' | 'close' | 'drop'>;

/** What the sender is connected to. */
export interface SenderPorts {
  createLink(identity: LinkIdentity, events: LinkEvents): SenderLink;
  /** @throws GoshawkError GOSHAWK_OUTBOX_IN_USE, GOSHAWK_OUTBOX_UNWRITABLE */
  openDisk(): Promise<OutboxDisk>;
  post(message: FromTelemetryThread): void;
  /** A message was made, or one that waits has changed. */
  onMade?(stream: Stream, payload: string): void;
  readonly clock: Clock;
  /** bytes that may be published in a day; 0 for no limit */
  readonly bytesPerDay: number;
  /** when messages that are not acknowledged are published again */
  readonly resend?: ResendTiming;
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
  /** the topic of requests for clips */
  readonly #requests: string;
  /** what was received before the outbox was open */
  readonly #early: StreamMessage[] = [];
  #disk: DiskOutbox | null = null;
  #dispatcher: Dispatcher | null = null;
  #budget: Budget | null = null;
  #isDurable = true;
  #nextDiskMs = Infinity;
  /** a disk that was being opened when the time was up */
  #opening: Promise<OutboxDisk> | null = null;
  #presenceCount = 0;
  /** number of the first message of the connection that is up, or is tried */
  #birth = 0;
  #chunks = 0;
  #isHibernating = false;
  #flushTimer: TimerHandle | undefined;
  #tickTimer: TimerHandle | undefined;
  #lastCounts = '';
  #lastMeter = '';
  #lastRefused = '';
  readonly #inbound: Inbound;
  readonly #ackWatch = new AckWatch();
  readonly #faults: FaultLog;
  #isUnacknowledged = false;
  #sentBytes = 0;
  #starting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(identity: SenderIdentity, ports: SenderPorts) {
    this.#identity = identity;
    this.#ports = ports;
    const log = (line: string): void => ports.post({ type: 'log', line });
    this.#faults = new FaultLog(ports.clock, log);
    this.#inbound = new Inbound(identity, ports.clock, log);
    this.#lastRefused = JSON.stringify(this.#inbound.refused);
    this.#requests = this.#topic('clip-request');
    const will = { topic: this.#topic('connection'), payload: () => this.#will() };
    this.#link = ports.createLink(
      { clientId: telemetryClientId(identity), will, listensTo: [this.#topic('ack'), this.#requests] },
      {
        onUp: (protocol, url) => {
          ports.post({ type: 'link', connected: true, protocol, url });
          this.#guard(this.#announce());
        },
        onDown: (trouble, url) => {
          this.#dispatcher?.linkDown();
          ports.post({ type: 'link', connected: false, trouble, url });
        },
        onLeave: () => this.#leave(),
        onMessage: (payload, topic) => {
          if (topic === this.#requests) this.#takeRequest(payload);
          else this.#acknowledge(payload);
        },
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
    const { bytesPerDay, clock, resend } = this.#ports;
    this.#disk = disk;
    this.#budget = new Budget(bytesPerDay, () => disk.usedBytes, clock);
    this.#dispatcher = new Dispatcher(disk, {
      publish: (stream, payload) => this.#publish(stream, payload),
      topicBytes: (stream) => this.#topic(stream).length,
      clock,
      budget: this.#budget,
      ...(resend === undefined ? {} : { resend }),
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
    else if (message.type === 'lost')
      for (let i = 0; i < message.count; i += 1) disk.lose(message.stream, message.reason);
    else {
      disk.put(message.stream, message.body);
      if (message.stream === 'state') this.#noteLifecycle(message.body);
    }
    this.#dispatcher?.wake();
  }

  /** Publishes a chunk of a clip if link and budget allow it, and posts whether they did. Chunks do not wait. */
  async transfer({ id, chunk }: ChunkMessage): Promise<void> {
    try {
      const header = this.#header(this.#chunks, this.#timestamp());
      const payload = JSON.stringify({ ...header, ...chunk });
      const bytes = this.#topic('clip-chunk').length + payload.length;
      if (this.#budget?.affords('clip-chunk', bytes) !== true) throw new Error('bytes are saved');
      this.#chunks += 1;
      await this.#publish('clip-chunk', payload);
      this.#ports.post({ type: 'transferred', id, isSent: true });
    } catch {
      this.#ports.post({ type: 'transferred', id, isSent: false });
    }
  }

  #takeRequest(payload: Buffer): void {
    const request = this.#inbound.clipRequest(payload);
    if (request !== null) this.#ports.post({ type: 'clip-request', request });
  }

  /**
   * Delivers the messages made while the link was up, sends OFFLINE if the link is up, and closes link and outbox:
   * within the time limits, whatever broker and disk do. What was not acknowledged stays on the disk for the next boot.
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
    await this.#closeDisk();
    this.#postCounts();
    this.#postRefused();
  }

  /** A disk that hangs must not keep the process alive: the next boot declares what it did not take. */
  async #closeDisk(): Promise<void> {
    void this.#opening?.then(release, () => undefined);
    const closing = this.#disk?.close() ?? Promise.resolve();
    await withTimeLimit(closing, CLOSE_DISK_LIMIT_MS, this.#ports.clock).catch((error: unknown) =>
      this.#noteDisk(error),
    );
  }

  async #openOutbox(): Promise<DiskOutbox> {
    const { clock } = this.#ports;
    const ports: DiskPorts = {
      compose: (draft) => this.#compose(draft),
      now: () => clock.monotonicMs() / 1000,
      onDirty: () => this.#flushLater(),
    };
    try {
      const opened = await this.#openDisk();
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

  /** Opens the disk, or goes on waiting for it where that took too long. @throws also if it takes too long again */
  async #openDisk(): Promise<OutboxDisk> {
    const { clock } = this.#ports;
    const opening = this.#opening ?? this.#ports.openDisk();
    this.#opening = null;
    const disk = await withTimeLimit(opening, OPEN_LIMIT_MS, clock);
    if (disk !== TIME_IS_UP) return limitDisk(disk, clock);
    this.#opening = opening;
    throw new Error(`the disk could not be opened within ${String(OPEN_LIMIT_MS / 1000)} s`);
  }

  /** The disk could not be used when this boot began: waiting messages move there once it can. */
  async #findDisk(disk: DiskOutbox): Promise<void> {
    this.#nextDiskMs = Infinity;
    let opened: OutboxDisk | null = null;
    try {
      opened = await this.#openDisk();
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
    const message = this.#inbound.ack(payload);
    if (outbox === undefined || message === null) return;
    for (const { stream, bootId, ranges } of message.acks) {
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
      this.#guard(this.#flush());
    }, GROUP_MS);
  }

  async #flush(): Promise<void> {
    try {
      await this.#disk?.flush();
      if (this.#disk?.isInMemory === false) this.#noteDisk(null);
      // What came while it was being written went with none.
      if (this.#disk?.isDirty === true && this.#closing === null) this.#flushLater();
    } catch (error) {
      this.#noteDisk(error);
    }
    this.#dispatcher?.wake();
  }

  /** What nothing expects to fail is logged and counted; the thread goes on, and so does the next tick. */
  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => this.#faults.note(error));
  }

  #tickLater(): void {
    this.#tickTimer = this.#ports.clock.startTimer(() => {
      this.#tickLater();
      this.#guard(this.#tick());
    }, TICK_MS);
  }

  async #tick(): Promise<void> {
    this.#dispatcher?.tick();
    await this.#disk?.trim(this.#isDurable ? FULL_BOUNDS : MEMORY_BOUNDS);
    if (this.#disk?.isDirty === true) this.#flushLater();
    if (this.#disk !== null && this.#ports.clock.monotonicMs() >= this.#nextDiskMs)
      this.#guard(this.#findDisk(this.#disk));
    this.#watchAcknowledgements();
    this.#postCounts();
    this.#postRefused();
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
      // Without a disk nobody knows how many boots there were before, or will know that this one was.
      ...(boot.bootId === this.#identity.bootId && this.#disk?.isBootKnown === false
        ? {}
        : { bootCount: boot.bootCount }),
      ...(first < last ? { firstHeaderId: first } : {}),
    };
    const payload = JSON.stringify({ ...header, ...body });
    this.#ports.onMade?.(stream, payload);
    return payload;
  }

  #presence(connectionState: StreamBody<'connection'>['connectionState']): string {
    const header = this.#header(this.#presenceCount++, this.#timestamp());
    const bootCount = this.#disk?.isBootKnown === true ? this.#disk.outbox.boot.bootCount : undefined;
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

  #postRefused(): void {
    const { refused } = this.#inbound;
    const text = JSON.stringify(refused);
    if (text === this.#lastRefused) return;
    this.#lastRefused = text;
    this.#ports.post({ type: 'refused', refused });
  }

  #postCounts(): void {
    const streams = this.#disk?.outbox.counts();
    const text = JSON.stringify(streams);
    if (streams === undefined || text === this.#lastCounts) return;
    this.#lastCounts = text;
    this.#ports.post({ type: 'counts', streams, sentBytes: this.#sentBytes });
  }
}

async function release({ store, marks }: OutboxDisk): Promise<void> {
  await marks.close().catch(() => undefined);
  await store.close().catch(() => undefined);
}

function codeOf(error: unknown): 'GOSHAWK_OUTBOX_IN_USE' | 'GOSHAWK_OUTBOX_UNWRITABLE' | null {
  const { code } = error as { code?: unknown };
  return code === 'GOSHAWK_OUTBOX_IN_USE' || code === 'GOSHAWK_OUTBOX_UNWRITABLE' ? code : null;
}
