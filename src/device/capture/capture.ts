import {
  CLIP_REASONS,
  clipSchema,
  MAX_CLIP_CAMERAS,
  type CaptureAnswer,
  type ClipRecord,
  type ClipTrigger,
} from '../../contract/clips.ts';
import type { CompressedView, ImageView } from '../../core/image/image-view.ts';
import type { ClipRequest } from '../../contract/telemetry/clips.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { errorText } from '../../platform/error-text.ts';
import type { Clock } from '../../platform/clock.ts';
import type { FrameResult, ResultSink } from '../pipeline/frame/frame-result.ts';
import type { Attachment, Part, PartContext, PipelineSession } from '../runtime/part.ts';
import type { PartStatus } from '../runtime/status.ts';
import type { CaptureOptions } from './capture-options.ts';
import { CaptureRules } from './capture-rules.ts';
import { captureMetrics, type CaptureReading } from './capture-metrics.ts';
import { ClipRecording } from './clip-recording.ts';
import { ClipSender } from './clip-sender.ts';
import { ClipStore, unwritable } from './clip-store.ts';
import { FrameRing } from './frame-ring.ts';
import { KeptFrame } from './kept-frame.ts';
import { RequestFolder } from './request-folder.ts';

/** How often requests, verdicts and ends of clips are looked at. */
const LOOK_MS = 500;
/** A disk that took no clip is left alone for so long. */
const DISK_PAUSE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Clips that are recorded at the same time. */
const MAX_RECORDINGS = 2;

/** Why a clip that was asked for is not recorded. */
type Refused = 'busy' | 'hourly_limit' | 'disk' | 'unknown_camera' | 'no_session';

const REFUSAL_WORDS: Readonly<Record<Exclude<Refused, 'disk'>, string>> = {
  busy: 'a clip of this camera, or two others, are being recorded',
  hourly_limit: 'capture_clips_per_hour is used up',
  unknown_camera: 'there is no such camera',
  no_session: 'no model is loaded',
};

/** Reasons for which a clip of the camera that is being recorded will do: they are about the same thing. */
const SHARED: ReadonlySet<string> = new Set<ClipTrigger['reason']>(['policy', 'drift']);

/** Why a clip that was begun came to nothing, or ended early. */
const ENDED_EARLY = ['no_room', 'no_frames', 'failed'] as const;

/** Evidence as a part: the newest frames in memory, and clips of what happened on the disk. */
export class Capture implements Part {
  readonly name = 'capture';
  readonly metrics = captureMetrics(() => this.#reading());
  readonly #options: CaptureOptions;
  readonly #context: PartContext;
  readonly #clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly #ring: FrameRing;
  readonly #requests: RequestFolder;
  readonly #sink: ResultSink;
  /** when the next frame of a camera is due for the ring */
  readonly #dueMs = new Map<string, number>();
  readonly #recordings = new Map<ClipRecording, Promise<void>>();
  readonly #startedMs: number[] = [];
  readonly #recorded: Record<string, number> = Object.fromEntries(CLIP_REASONS.map((reason) => [reason, 0]));
  readonly #refused: Record<string, number> = Object.fromEntries(
    [...Object.keys(REFUSAL_WORDS), 'disk', ...ENDED_EARLY].map((reason) => [reason, 0]),
  );
  #missed = 0;
  #store: ClipStore | null = null;
  #sender: ClipSender | null = null;
  #session: PipelineSession | null = null;
  #rules: CaptureRules | null = null;
  #trouble: GoshawkError | null = null;
  #troubleMs = 0;
  /** of the folder of requests, which keeps no other clip from being recorded */
  #requestTrouble: GoshawkError | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isAnswering = false;

  constructor(options: CaptureOptions, context: PartContext, clock: Pick<Clock, 'monotonicMs' | 'wallMs'>) {
    this.#options = options;
    this.#context = context;
    this.#clock = clock;
    this.#ring = new FrameRing({ ageMs: options.beforeMs, bytes: options.ringBytes });
    this.#requests = new RequestFolder(options.folder);
    this.#sink = {
      name: 'capture',
      wantsImage: (camera) => this.#hasPixels && this.#isDue(camera),
      wantsStatistics: (camera) => this.#isDue(camera),
      deliver: (result, _pixels, image = null) => this.#deliver(result, image),
    };
  }

  /** @throws GoshawkError GOSHAWK_CAPTURE_UNWRITABLE */
  async start(): Promise<void> {
    const { folder, budgetBytes } = this.#options;
    this.#store = await ClipStore.open(folder, budgetBytes, (line) => this.#warn(line));
    await this.#requests.clear().catch((error: unknown) => {
      throw unwritable(folder, error);
    });
    for (const clip of this.#store.recovered) this.#offer(clip);
    const { device } = this.#context;
    const { privacy, putHosts } = this.#options;
    this.#sender = new ClipSender(this.#store, {
      privacy,
      putHosts,
      publish: (chunk) => device.transfer(chunk),
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()),
    });
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  /** Clips that are being recorded end here. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#sender?.stop();
    this.detach();
    await this.settled();
  }

  attach(session: PipelineSession): Attachment {
    this.#session = session;
    this.#rules = new CaptureRules(this.#options.rules, session.labels);
    return { sink: this.#sink };
  }

  detach(): void {
    for (const recording of this.#recordings.keys()) recording.finish();
    this.#session = null;
    this.#rules = null;
    this.#ring.clear();
    this.#dueMs.clear();
  }

  /**
   * Records a clip with the seconds before and after now, if budgets allow it. Drift and what a policy does about it
   * share a clip.
   */
  capture(trigger: ClipTrigger): CaptureAnswer {
    const shared = SHARED.has(trigger.reason) ? this.#recordingOf(trigger.camera) : undefined;
    if (shared !== undefined) return { clip: shared.clip };
    const refused = this.#refuse(trigger);
    if (refused === null) return { clip: this.#record(trigger) };
    this.#count(refused);
    if (refused === 'disk') return { code: this.#trouble!.code, reason: this.#trouble!.message };
    return { code: 'GOSHAWK_CAPTURE_REFUSED', reason: REFUSAL_WORDS[refused] };
  }

  /** Ends clips that are over, asks the rules, and answers requests. */
  async look(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    for (const recording of this.#recordings.keys()) if (recording.isOverAt(nowMs)) recording.finish();
    if (nowMs - this.#troubleMs >= DISK_PAUSE_MS) this.#trouble = null;
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    try {
      const drift = this.#context.device.drift() ?? {};
      for (const wanted of this.#rules?.lookAtDrift(drift, nowMs) ?? []) this.#ask(wanted);
      await this.#requests.answer((request) => this.capture({ ...request, reason: 'manual' }));
      this.#requestTrouble = null;
    } catch (error) {
      const details = { folder: this.#options.folder, reason: errorText(error) };
      const trouble = new GoshawkError('GOSHAWK_CAPTURE_REQUESTS', details, { cause: error });
      this.#requestTrouble = this.#warnOnce(this.#requestTrouble, trouble);
    } finally {
      this.#isAnswering = false;
    }
  }

  /** Once the clips that are being recorded have ended: at once if no frame can belong to them any more. */
  async settled(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    for (const recording of this.#recordings.keys()) if (recording.isOverAt(nowMs)) recording.finish();
    await Promise.all(this.#recordings.values());
  }

  requestClip(request: ClipRequest): void {
    this.#sender?.take(request);
  }

  status(): PartStatus {
    return { capture: this.#reading() };
  }

  health(): readonly string[] {
    return [this.#trouble, this.#requestTrouble].flatMap((it) => (it === null ? [] : [describeError(it)]));
  }

  get #hasPixels(): boolean {
    return this.#options.privacy !== 'no-pixels';
  }

  #isDue(camera: string): boolean {
    return this.#clock.monotonicMs() >= (this.#dueMs.get(camera) ?? 0);
  }

  #deliver(result: FrameResult, image: ImageView | CompressedView | null): void {
    const { camera } = result.envelope;
    const nowMs = this.#clock.monotonicMs();
    const wanted = this.#rules?.look(camera, result.detections, result.statistics, nowMs) ?? null;
    if ((image !== null || !this.#hasPixels) && this.#isDue(camera))
      this.#keep(new KeptFrame(result, this.#hasPixels ? image : null), nowMs);
    if (wanted !== null) this.#ask(wanted);
  }

  #keep(frame: KeptFrame, nowMs: number): void {
    const { camera } = frame.envelope;
    const due = this.#dueMs.get(camera) ?? nowMs;
    const { periodMs } = this.#options;
    // the mean rate is kept unless frames are slower than it
    this.#dueMs.set(camera, nowMs - due > periodMs ? nowMs + periodMs : due + periodMs);
    for (const recording of this.#recordings.keys()) recording.offer(frame);
    this.#ring.add(frame);
  }

  #ask(wanted: Omit<ClipTrigger, 'isProtected'>): void {
    const answer = this.capture({ ...wanted, isProtected: false });
    if ('code' in answer)
      this.#warn(`no clip of ${wanted.camera ?? 'all cameras'} (${wanted.reason}): ${answer.reason}`);
  }

  #refuse({ camera }: ClipTrigger): Refused | null {
    if (this.#session === null) return 'no_session';
    if (camera !== null && !this.#session.cameras.includes(camera)) return 'unknown_camera';
    if (this.#trouble !== null && this.#clock.monotonicMs() - this.#troubleMs < DISK_PAUSE_MS) return 'disk';
    const isTaken = [...this.#recordings.keys()].some(
      ({ cameras }) => camera === null || cameras.has(camera),
    );
    if (isTaken || this.#recordings.size >= MAX_RECORDINGS) return 'busy';
    return this.#hasQuota() ? null : 'hourly_limit';
  }

  /** What is being recorded of a camera, or of all of them. */
  #recordingOf(camera: string | null): ClipRecording | undefined {
    const all = this.#session?.cameras ?? [];
    const wanted = camera === null ? all : [camera];
    return [...this.#recordings.keys()].find(({ cameras }) => wanted.every((one) => cameras.has(one)));
  }

  #hasQuota(): boolean {
    const since = this.#clock.monotonicMs() - HOUR_MS;
    while (this.#startedMs[0] !== undefined && this.#startedMs[0] < since) this.#startedMs.shift();
    return this.#startedMs.length < this.#options.clipsPerHour;
  }

  #record(trigger: ClipTrigger): string {
    const session = this.#session!;
    const nowMs = this.#clock.monotonicMs();
    this.#startedMs.push(nowMs);
    const all = trigger.camera === null ? session.cameras : [trigger.camera];
    const cameras = all.slice(0, MAX_CLIP_CAMERAS);
    if (cameras.length < all.length)
      this.#warn(`a clip has ${cameras.length} of the ${all.length} cameras: ask for the others by name`);
    const recording = new ClipRecording(this.#store!, {
      trigger,
      cameras,
      labels: session.labels,
      bundle: () => bundleOf(session),
      privacy: this.#options.privacy,
      before: this.#ring.hold(new Set(cameras), nowMs - this.#options.beforeMs),
      atMs: nowMs,
      untilMs: nowMs + this.#options.afterMs,
      wallOffsetMs: this.#clock.wallMs() - nowMs,
      maxWaiting: this.#options.ringBytes,
    });
    const done = this.#write(recording).finally(() => this.#recordings.delete(recording));
    this.#recordings.set(recording, done);
    return recording.clip;
  }

  /** Never rejects. */
  async #write(recording: ClipRecording): Promise<void> {
    try {
      const clip = await recording.write();
      this.#trouble = null;
      if (clip === null) this.#noteNothing(recording.clip);
      else this.#note(clip);
    } catch (error) {
      const kept = this.#store?.find(recording.clip);
      if (kept !== undefined) this.#offer(kept);
      this.#fail(recording.clip, error);
    } finally {
      this.#missed += recording.missed;
    }
  }

  #note(clip: ClipRecord): void {
    this.#recorded[clip.reason] = (this.#recorded[clip.reason] ?? 0) + 1;
    this.#offer(clip);
    const { log } = this.#context;
    log('info', `capture: clip ${clip.clip} (${clip.text}): ${clip.frames} frames, ${clip.bytes} bytes`);
  }

  /** Whoever asked has its name already. */
  #noteNothing(clip: string): void {
    this.#count('no_frames');
    this.#warn(`clip ${clip} has no frames, so there is no such file`);
  }

  /** Tells the fleet that it may have it. */
  #offer(clip: ClipRecord): void {
    this.#context.device.send('clip', () => clipSchema.parse(clip));
  }

  #fail(clip: string, error: unknown): void {
    if (error instanceof GoshawkError && error.code === 'GOSHAWK_CAPTURE_REFUSED') {
      this.#count('no_room');
      this.#warn(error.message);
    } else if (isOfFileSystem(error)) {
      this.#trouble = this.#warnOnce(this.#trouble, unwritable(this.#options.folder, error));
      this.#troubleMs = this.#clock.monotonicMs();
    } else {
      this.#count('failed');
      this.#warn(
        describeError(new GoshawkError('GOSHAWK_INTERNAL', { reason: `clip ${clip}: ${errorText(error)}` })),
      );
    }
  }

  #count(reason: string): void {
    this.#refused[reason] = (this.#refused[reason] ?? 0) + 1;
  }

  /** @returns `now`, which is logged unless it is what was wrong before */
  #warnOnce(before: GoshawkError | null, now: GoshawkError): GoshawkError {
    if (before?.message !== now.message) this.#warn(describeError(now));
    return now;
  }

  #warn(line: string): void {
    this.#context.log('warn', `capture: ${line}`);
  }

  #reading(): CaptureReading {
    const { folder, privacy } = this.#options;
    const trouble = this.#trouble;
    return {
      folder,
      privacy,
      ring: { frames: this.#ring.frames, bytes: this.#ring.bytes },
      recording: this.#recordings.size,
      clips: this.#store?.clips.length ?? 0,
      bytes: this.#store?.bytes ?? 0,
      removed: this.#store?.removed ?? 0,
      missed: this.#missed,
      recorded: { ...this.#recorded },
      refused: { ...this.#refused },
      trouble: trouble === null ? null : { code: trouble.code, reason: trouble.message },
    };
  }
}

/** Errors of the system have codes such as ENOSPC; others say nothing about the disk. */
function isOfFileSystem(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E[A-Z0-9]+$/.test(String(error.code));
}

/** The bundle that a session runs; null before it is loaded. */
function bundleOf({ pipeline }: PipelineSession): ClipRecord['bundle'] {
  const bundle = pipeline.engineInfo?.bundle;
  return bundle === undefined ? null : { name: bundle.name, version: bundle.version, digest: bundle.digest };
}
