import type { CaptureAnswer, ClipTrigger } from '../../contract/clips.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { LabeledAccuracy } from '../../contract/labeled-accuracy.ts';
import type { Health } from '../../contract/status.ts';
import type { ClipChunk, ClipRequest } from '../../contract/telemetry/clips.ts';
import type { HostStats } from '../../contract/telemetry/shapes.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import type { LiveImages } from './live-images.ts';
import type { NoteOutOfRange } from './out-of-range.ts';
import type {
  Attachment,
  DeviceView,
  FrameLabels,
  Part,
  PartContext,
  PipelineSession,
  PublishText,
  SendTelemetry,
  StreamSources,
} from './part.ts';
import { healthOf, statusOf, type DeviceStatus, type PartStatus } from './status.ts';

export interface RuntimeOptions {
  /** name of the detector */
  readonly node: string;
  /** time without a frame after which a camera counts as silent */
  silentAfterMs(): number;
  readonly log: (level: 'info' | 'warn' | 'error', line: string) => void;
  /**
   * What happens when a part fails to start with a coded error. `reject`: everything is stopped and `start` rejects.
   * `leave-out`: it is logged, and the rest starts without it.
   */
  readonly whenRefused: 'reject' | 'leave-out';
  /** with ROS */
  readonly publishText?: PublishText;
}

/** A part that has started, and what it provides for the session. */
interface Started {
  readonly part: Part;
  attachment: Attachment;
}

const NO_ATTACHMENT: Attachment = {};
const NO_CAPTURE = { code: 'GOSHAWK_CAPTURE_OFF', reason: 'capture_dir is not set' } as const;
const NO_SESSION = 'no model is loaded';
const NO_IMAGES: LiveImages = {
  cameras: () => [],
  watch: () => () => undefined,
  newest: () => null,
  next: () => Promise.resolve(null),
};

/**
 * The parts of a running device and the session that they see. `goshawk run` and the detector node each have one;
 * perception never waits for it.
 */
export class Runtime implements DeviceView {
  readonly #options: RuntimeOptions;
  readonly #parts: readonly Part[];
  #started: Started[] = [];
  #session: PipelineSession | null = null;
  /** why parts were left out */
  readonly #refused: string[] = [];
  /** part faults that were already logged */
  readonly #logged = new Set<string>();

  /** @param create creates the parts, in the order in which they start */
  constructor(options: RuntimeOptions, create: (context: PartContext) => readonly Part[]) {
    this.#options = options;
    const { node, log, publishText = null } = options;
    this.#parts = create({ device: this, node, log, publishText });
  }

  /**
   * Starts the parts one after the other. Once `signal` aborts, no more are started.
   * @throws GoshawkError of a part that fails to start, if `whenRefused` is `reject`; nothing is left running then
   */
  async start(signal: AbortSignal): Promise<void> {
    for (const part of this.#parts) {
      if (signal.aborted) return;
      try {
        await this.#start(part, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#options.whenRefused === 'reject' || !(error instanceof GoshawkError)) {
          await this.stop();
          throw error;
        }
        this.#refused.push(describeError(error));
        this.#options.log('error', describeError(error));
      }
    }
  }

  async #start(part: Part, signal: AbortSignal): Promise<void> {
    const session = this.#session;
    const attachment = session === null ? NO_ATTACHMENT : (part.attach?.(session) ?? NO_ATTACHMENT);
    await part.start?.(signal);
    this.#started.push({ part, attachment });
    if (attachment.sink !== undefined) session?.pipeline.addSink(attachment.sink);
  }

  /** A session arrives: before `start` if it exists from the beginning, or between two others. */
  attach(session: PipelineSession): void {
    for (const started of this.#started) {
      this.#guard(started.part, () => {
        started.attachment = started.part.attach?.(session) ?? NO_ATTACHMENT;
        if (started.attachment.sink !== undefined) session.pipeline.addSink(started.attachment.sink);
      });
    }
    this.#session = session;
  }

  /** The session goes. It has drained, so the last reports of parts are complete. */
  detach(): void {
    if (this.#session === null) return;
    for (const started of this.#started.toReversed()) {
      this.#guard(started.part, () => started.part.detach?.());
      started.attachment = NO_ATTACHMENT;
    }
    this.#session = null;
  }

  /** Stops what has started, last first. Never rejects: a part that cannot be stopped is logged. */
  async stop(): Promise<void> {
    for (let last = this.#started.at(-1); last !== undefined; last = this.#started.at(-1)) {
      try {
        await last.part.stop?.();
      } catch (error) {
        this.#options.log('error', `${last.part.name} did not stop: ${describeError(error)}`);
      }
      this.#started.pop();
    }
    this.#session = null;
  }

  /** What operators should know: parts that were left out, and what parts report about their health. */
  complaints(): readonly string[] {
    return [...this.#refused, ...this.#healthOfParts()];
  }

  /** What parts add to the status, with or without a session. */
  partStatus(): PartStatus {
    return Object.assign({}, ...this.#ask((part) => part.status?.())) as PartStatus;
  }

  telemetry(): NonNullable<PartStatus['telemetry']> | null {
    return this.partStatus().telemetry ?? null;
  }

  drift(): NonNullable<PartStatus['drift']> | null {
    return this.partStatus().drift ?? null;
  }

  silentAfterMs(): number {
    return this.#options.silentAfterMs();
  }

  snapshot(): PipelineSnapshot | null {
    return this.#session?.snapshot() ?? null;
  }

  status(): DeviceStatus | null {
    const snapshot = this.snapshot();
    return snapshot === null ? null : statusOf(snapshot, this.partStatus(), this.#options.silentAfterMs());
  }

  health(): Health {
    const snapshot = this.snapshot();
    const ofSession =
      snapshot === null ? [NO_SESSION] : healthOf(snapshot, this.#options.silentAfterMs()).reasons;
    const reasons = [...ofSession, ...this.#healthOfParts()];
    return { ok: reasons.length === 0, reasons };
  }

  async metrics(): Promise<string> {
    const sources = this.#started
      .flatMap(({ part, attachment }) => [attachment.metrics, part.metrics])
      .filter((source) => source !== undefined);
    return (await Promise.all(sources.map((source) => source.text()))).join('');
  }

  host(reader: object, note?: NoteOutOfRange): HostStats {
    return this.#ask((part) => part.host?.(reader, note))[0] ?? {};
  }

  get images(): LiveImages {
    return this.#ask((part) => part.images)[0] ?? NO_IMAGES;
  }

  streams(): readonly StreamSources[] {
    return this.#ask((part) => part.streams);
  }

  readonly send: SendTelemetry = (stream, make) => this.#ask((part) => part.send?.(stream, make));

  capture(trigger: ClipTrigger): CaptureAnswer {
    return this.#ask((part) => part.capture?.(trigger))[0] ?? NO_CAPTURE;
  }

  requestClip(request: ClipRequest): void {
    const [taker] = this.#ask((part) => part.requestClip?.bind(part));
    if (taker !== undefined) {
      taker(request);
      return;
    }
    const { code, reason } = NO_CAPTURE;
    const { request: id, clip } = request;
    const nothing = { request: id, clip, offset: 0, total: 0, data: '', isLast: true };
    void this.transfer({ ...nothing, refused: { code, reason } });
  }

  transfer(chunk: ClipChunk): Promise<boolean> {
    return this.#ask((part) => part.transfer?.(chunk))[0] ?? Promise.resolve(false);
  }

  /** Labels of a frame of the session, from whoever has them. */
  takeLabels(labels: FrameLabels): void {
    this.#ask((part) => part.takeLabels?.(labels));
  }

  labeledAccuracy(): Readonly<Record<string, LabeledAccuracy>> {
    return this.#ask((part) => part.labeledAccuracy?.())[0] ?? {};
  }

  #healthOfParts(): readonly string[] {
    return this.#ask((part) => part.health?.()).flat();
  }

  /** The answers of the parts that have one. A part that throws has none, and does not affect others. */
  #ask<T>(ask: (part: Part) => T | undefined): T[] {
    return this.#started.flatMap(({ part }) => {
      const answer = this.#guard(part, () => ask(part));
      return answer === undefined ? [] : [answer];
    });
  }

  #guard<T>(part: Part, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      const line = `${part.name}: ${describeError(error)}`;
      if (!this.#logged.has(line)) this.#options.log('error', line);
      this.#logged.add(line);
      return undefined;
    }
  }
}
