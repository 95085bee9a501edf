import type { CaptureAnswer, ClipTrigger } from '../../contract/clips.ts';
import type { ParameterTable, ValuesOf } from '../../contract/parameters.ts';
import type { LabeledAccuracy } from '../../contract/labeled-accuracy.ts';
import type { Health } from '../../contract/status.ts';
import type { ClipChunk, ClipRequest } from '../../contract/telemetry/clips.ts';
import type { HostStats } from '../../contract/telemetry/shapes.ts';
import type { PeriodicStream, ReportedStream, StreamBody } from '../../contract/telemetry/streams.ts';
import type { LabeledObject } from '../../core/evaluation/labeled-frames.ts';
import type { Stamp } from '../../core/frame.ts';
import type { ResultSink } from '../pipeline/frame/frame-result.ts';
import type { FramePipeline } from '../pipeline/pipeline.ts';
import type { PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import type { LiveImages } from './live-images.ts';
import type { NoteOutOfRange } from './out-of-range.ts';
import type { DeviceStatus, PartStatus } from './status.ts';

/** A pipeline and the model that it runs. Sessions come and go while parts stay. */
export interface PipelineSession {
  readonly pipeline: Pick<
    FramePipeline,
    'addSink' | 'engineInfo' | 'limits' | 'overrideLimits' | 'snapshot' | 'tracking'
  >;
  readonly cameras: readonly string[];
  /** class names of the model */
  readonly labels: readonly string[];
  /** the folder of the bundle that runs now, and its digest; absent if what runs is from no folder */
  readonly bundle?: { readonly folder: string; readonly digest: string };
  /** current stats, including those that the cameras report */
  snapshot(): PipelineSnapshot;
  /**
   * Runs another bundle without a gap.
   * @param reference as for the parameter `bundle`; null: the configured one
   * @throws GoshawkError; what runs goes on then
   */
  swapModel(reference: string | null): Promise<void>;
}

/** Metrics in the Prometheus text format: complete families, every line terminated, names that no other source has. */
export interface MetricsSource {
  text(): Promise<string>;
}

/** What a part provides for one session. The runtime releases it when the session goes. */
export interface Attachment {
  /** gets every published result of the session, after the publisher */
  readonly sink?: ResultSink;
  /** shown while the session exists */
  readonly metrics?: MetricsSource;
}

/**
 * A function per stream that a part contributes to, which makes the body of its next message; `isLast` when telemetry
 * ends.
 */
export type StreamSources = { readonly [Name in PeriodicStream]?: (isLast: boolean) => StreamBody<Name> };

/**
 * Makes a message and sends it now. Never throws: a message that cannot be made or sent is logged and declared as lost.
 * Without telemetry it is not made at all.
 */
export type SendTelemetry = <Name extends ReportedStream>(stream: Name, make: () => StreamBody<Name>) => void;

/** What somebody knows of the objects in a frame. */
export interface FrameLabels {
  readonly camera: string;
  /** of the frame, which may come before or after */
  readonly stamp: Stamp;
  readonly objects: readonly LabeledObject[];
}

/**
 * A subsystem next to the pipeline: web page, metrics, telemetry. It lives as long as the process, while sessions come
 * and go. The runtime calls, in this order:
 *
 * 1. `start` once, after the parts before it in the list have started. A `start` that rejects holds nothing: no socket,
 *    thread or timer. The part is then left out, and none of its other members are called.
 * 2. `attach` for each session, and `detach` when that session goes. There is one session at most at a time. A session
 *    that is there before the runtime starts (`goshawk run`) is attached just before `start`; its sink gets frames
 *    once `start` has resolved.
 * 3. `stop` once, if `start` resolved, before the parts that started before it are stopped. A session that is still
 *    there has drained and can be read; it is not detached.
 *
 * Everything else is optional and is asked only between `start` and `stop`, often several times a second: it answers
 * from memory and does not wait for I/O.
 */
export interface Part {
  readonly name: string;
  /**
   * Parts that show the results of this one. If none of them was requested, this one is not created either, so that no
   * frame goes to a sink whose results nobody can see.
   */
  readonly servedBy?: readonly string[];
  /**
   * @param signal aborts if the process is to end before everything has started: long operations then give up
   * @throws GoshawkError for settings that cannot be used
   */
  start?(signal: AbortSignal): Promise<void> | void;
  /** Ends what `start` began. What it throws is logged, and does not keep other parts from stopping. */
  stop?(): Promise<void> | void;
  /** A session arrives. The device's stats are still those of the time before it. */
  attach?(session: PipelineSession): Attachment;
  /** The session goes. It has drained, and the device's stats are still its own. */
  detach?(): void;
  /** shown whether a session is there or not */
  readonly metrics?: MetricsSource;
  status?(): PartStatus;
  /** Reasons why the device is not healthy; they also go to the node's diagnostics. */
  health?(): readonly string[];
  /**
   * Readings of the machine.
   * @param reader the caller: CPU load is measured since its own last call
   * @param note is told what was read and is not among them, or not as it was read
   */
  host?(reader: object, note?: NoteOutOfRange): HostStats;
  readonly images?: LiveImages;
  /**
   * Telemetry of this part. Each function is called once per period of its stream and once more when telemetry ends, so
   * a part whose streams must be complete starts before telemetry. A throw costs only that message.
   */
  readonly streams?: StreamSources;
  /** Sends the telemetry of all parts. */
  readonly send?: SendTelemetry;
  /** Records a clip of the seconds around now, within its budgets. Returns at once. */
  capture?(trigger: ClipTrigger): CaptureAnswer;
  /** Sends a part of a clip to the fleet, which asked for it. Returns at once. */
  requestClip?(request: ClipRequest): void;
  /** Publishes a piece of a clip. Resolves with false if it cannot be published now; never rejects. */
  transfer?(chunk: ClipChunk): Promise<boolean>;
  /** Labels came. */
  takeLabels?(labels: FrameLabels): void;
  /** How well the model sees, by camera with labels. */
  labeledAccuracy?(): Readonly<Record<string, LabeledAccuracy>>;
}

/** How parts see the device: the session, and what other parts offer. */
export interface DeviceView {
  /** null without a session */
  snapshot(): PipelineSnapshot | null;
  /** what `/api/status` sends; null without a session */
  status(): DeviceStatus | null;
  health(): Health;
  /** how telemetry is doing; null if it is off */
  telemetry(): NonNullable<PartStatus['telemetry']> | null;
  /** what is known of drift; null unless frames are measured */
  drift(): NonNullable<PartStatus['drift']> | null;
  /** time without a frame after which a camera counts as silent */
  silentAfterMs(): number;
  /** the metrics of all parts */
  metrics(): Promise<string>;
  /** Readings of the machine. See `Part.host`. */
  host(reader: object, note?: NoteOutOfRange): HostStats;
  readonly images: LiveImages;
  /** how well the model sees, by camera with labels */
  labeledAccuracy(): Readonly<Record<string, LabeledAccuracy>>;
  /** the telemetry that parts offer */
  streams(): readonly StreamSources[];
  /** sends something immediately: an event, the end of a window */
  readonly send: SendTelemetry;
  /** Records a clip of the seconds around now. @returns its name, or a code and the reason why there is none */
  capture(trigger: ClipTrigger): CaptureAnswer;
  /** the fleet wants a clip */
  requestClip(request: ClipRequest): void;
  /** Publishes a piece of a clip to the fleet. @returns false without telemetry, or if it cannot be published now */
  transfer(chunk: ClipChunk): Promise<boolean>;
}

/** Sends text to a ROS topic, where late subscribers get it as well. @param topic relative ones are the node's */
export type PublishText = (topic: string, text: string) => void;

/** What a part is created with. */
export interface PartContext {
  /** usable from `start` on */
  readonly device: DeviceView;
  /** the detector on the robot: a ROS name such as `/goshawk/detector`, or the operator's name for it */
  readonly node: string;
  readonly log: (level: 'info' | 'warn', line: string) => void;
  /** null without ROS */
  readonly publishText: PublishText | null;
}

/**
 * An entry of the list of parts. Parameters are declared as data: the ROS parameters and the options of `goshawk run`
 * are derived from them.
 */
export interface PartDefinition<T extends ParameterTable> {
  readonly parameters: T;
  /**
   * values that enable the part, if the defaults do not: documents are generated with every part, so that those that
   * are off by default are included
   */
  readonly example?: Partial<ValuesOf<T>>;
  /**
   * Creates the part; nothing is opened yet.
   * @param values the current ones: those that are read `always` change in place
   * @returns null if the values ask for nothing
   */
  create(values: Readonly<ValuesOf<T>>, context: PartContext): Part | null;
}

/** Declares a part, with its values typed by its parameters. */
export function definePart<const T extends ParameterTable>(definition: PartDefinition<T>): PartDefinition<T> {
  return definition;
}
