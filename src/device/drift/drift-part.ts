import type { LabeledAccuracy } from '../../contract/labeled-accuracy.ts';
import type { Status } from '../../contract/status.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { summaryOf } from '../../core/drift/summary.ts';
import type { WindowVerdict } from '../../core/drift/window-verdict.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import type { FrameResult, ResultSink } from '../pipeline/frame/frame-result.ts';
import {
  definePart,
  type Attachment,
  type DeviceView,
  type Part,
  type PartContext,
  type PipelineSession,
} from '../runtime/part.ts';
import type { PartStatus } from '../runtime/status.ts';
import { WindowClock } from '../telemetry/window-clock.ts';
import { driftMetrics, type DriftReading } from './drift-metrics.ts';
import { openAccuracyFit } from './open-fit.ts';
import { openDriftReference, type OpenReference } from './open-reference.ts';
import { SeenCameras } from './seen-cameras.ts';
import { SessionAccuracy } from './session-accuracy.ts';
import { SessionDrift } from './session-drift.ts';
import { SessionVerdicts } from './session-verdicts.ts';
import { messagesOf } from './window-messages.ts';

/** How often the windows are looked at. */
const LOOK_MS = 1_000;
/** Without a frame for longer, nothing is known of a camera; later if it counts as silent later. */
const UNKNOWN_AFTER_MS = 60_000;

/** Measures what the cameras show, to compare it with other times. Starts after telemetry, to send the last window. */
export const DRIFT = definePart({
  parameters: {
    drift_window_s: {
      kind: 'int',
      default: 60,
      min: 0,
      max: 3600,
      words: { off: 0 },
      read: 'start',
      description:
        'Seconds between drift windows, statistics of the frames; 0 measures nothing. Measured for telemetry, ' +
        'a reference, a policy or the page.',
      option: { flags: '--drift-window-s <n>', description: 'seconds between drift windows (off: none)' },
    },
    drift_reference: {
      kind: 'string',
      default: '',
      read: 'start',
      description:
        'What the cameras show while all is well, made by goshawk drift reference. Empty: windows without verdicts.',
      option: { flags: '--drift-reference <file>', description: 'tell whether the input changed against it' },
    },
    drift_false_alarms_per_week: {
      kind: 'double',
      default: 1,
      min: 0.001,
      max: 10_000,
      read: 'start',
      description: 'False drift alarms of a camera in a week, on average, at most.',
      option: {
        flags: '--drift-false-alarms-per-week <n>',
        description: 'false drift alarms of a camera in a week, on average, at most',
      },
    },
  },
  create: (values, { device, log }) => {
    const { drift_window_s: windowSeconds, drift_reference: reference } = values;
    if (windowSeconds === 0) return null;
    const falseAlarmsPerWeek = values.drift_false_alarms_per_week;
    return new Drift(device, systemClock, { windowSeconds, reference, falseAlarmsPerWeek, log });
  },
});

interface DriftOptions {
  /** whole, >= 1 */
  readonly windowSeconds: number;
  /** file; empty for none */
  readonly reference: string;
  readonly falseAlarmsPerWeek: number;
  readonly log: PartContext['log'];
}

/** What drift needs of the device. */
type DriftDevice = Pick<DeviceView, 'send'> & Partial<Pick<DeviceView, 'labeledAccuracy' | 'silentAfterMs'>>;

/** Drift windows as a part. Frames are measured while it has a session. */
export class Drift implements Part {
  readonly name = 'drift';
  /** with a reference, diagnostics show its verdicts whatever else there is */
  readonly servedBy?: readonly string[];
  readonly #device: DriftDevice;
  readonly #clock: WindowClock;
  readonly #monotonicMs: () => number;
  readonly #options: DriftOptions;
  #reference: OpenReference | null = null;
  #verdicts: SessionVerdicts | null = null;
  #accuracy = new SessionAccuracy();
  #seen = new SeenCameras();
  #session: SessionDrift | null = null;
  #pipeline: PipelineSession | null = null;
  /** of the bundle that made the newest frame; null before the first */
  #digest: string | null = null;
  #windows = 0;
  #newest: StreamBody<'drift'> | null = null;
  #timer: NodeJS.Timeout | undefined;
  readonly #metrics = driftMetrics(() => ({
    cameras: this.#reading(),
    verdicts: this.#verdicts?.verdicts() ?? {},
    accuracy: this.#accuracy.estimates(),
  }));
  readonly #sink: ResultSink = {
    name: 'drift',
    wantsStatistics: () => true,
    deliver: (result) => this.#deliver(result),
  };

  constructor(device: DriftDevice, clock: Pick<Clock, 'monotonicMs' | 'wallMs'>, options: DriftOptions) {
    this.#device = device;
    this.#clock = new WindowClock(clock);
    this.#monotonicMs = () => clock.monotonicMs();
    this.#options = options;
    if (options.reference === '') this.servedBy = ['telemetry', 'policy', 'web page'];
  }

  /** @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID for the reference */
  async start(): Promise<void> {
    const { reference } = this.#options;
    if (reference !== '') this.#reference = await openDriftReference(reference);
    if (this.#reference !== null && this.#reference.reference.settings.frames === undefined)
      this.#options.log('info', `drift: ${reference} does not state whether its frames were compressed`);
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** A session that is still there has drained. */
  stop(): void {
    clearInterval(this.#timer);
    this.detach();
  }

  attach(session: PipelineSession): Attachment {
    this.#newest = null;
    this.#pipeline = session;
    this.#digest = null;
    this.#seen = new SeenCameras();
    this.#begin(session);
    return { sink: this.#sink, metrics: this.#metrics };
  }

  detach(): void {
    this.#end();
    this.#pipeline = null;
  }

  #begin(session: PipelineSession): void {
    this.#verdicts = null;
    this.#accuracy = startAccuracy(session.bundle);
    this.#session = new SessionDrift(session, this.#options.windowSeconds * 1000, this.#clock.read());
  }

  #end(): void {
    const session = this.#session;
    if (session === null) return;
    this.look();
    this.#session = null;
    this.#send(session.end(this.#clock.read()));
    this.#verdicts = null;
  }

  /** Another bundle took over: its boxes are no continuation of those before, and a reference is of one bundle. */
  #noteBundle({ bundleDigest }: FrameResult): void {
    const isOther = this.#digest !== null && this.#digest !== bundleDigest;
    this.#digest = bundleDigest;
    if (!isOther || this.#pipeline === null) return;
    this.#end();
    this.#begin(this.#pipeline);
  }

  /** Forgets cameras that have sent nothing for long, and sends the windows that are over. */
  look(): void {
    const afterMs = Math.max(UNKNOWN_AFTER_MS, this.#device.silentAfterMs?.() ?? 0);
    for (const camera of this.#seen.newlyLost(this.#monotonicMs(), afterMs))
      this.#sendEvent(this.#verdicts?.forget(camera) ?? null);
    for (const body of this.#session?.look(this.#clock.read()) ?? []) this.#send(body);
    // also of frames in a window that ended after they were lost
    for (const camera of this.#seen.lost) this.#sendEvent(this.#accuracy.forget(camera));
  }

  status(): PartStatus {
    return this.#session === null ? {} : { drift: this.#status() };
  }

  #status(): NonNullable<Status['drift']> {
    return {
      windowSeconds: this.#options.windowSeconds,
      windows: this.#windows,
      window: this.#newest?.window ?? null,
      cameras: this.#reading(),
      accuracy: this.#accuracy.estimates(),
      cannotTell: this.#cannotTell(),
      silent: [...this.#seen.lost],
      ...(this.#verdicts === null
        ? {}
        : {
            verdicts: this.#verdicts.verdicts(),
            unjudged: this.#verdicts.unjudged(),
            ...this.#uncompared(),
          }),
    };
  }

  #uncompared(): Pick<NonNullable<Status['drift']>, 'uncompared'> {
    const uncompared = this.#verdicts?.uncompared() ?? null;
    return uncompared === null ? {} : { uncompared };
  }

  #cannotTell(): NonNullable<NonNullable<Status['drift']>['cannotTell']> {
    const { reason } = this.#accuracy;
    return {
      ...(this.#reference === null ? { 'input-changed': 'drift_reference is not set' } : {}),
      ...(reason === null ? {} : { 'sees-worse': reason }),
    };
  }

  #reading(): DriftReading['cameras'] {
    const cameras = this.#newest?.cameras ?? [];
    return Object.fromEntries(cameras.map((drift) => [drift.camera, summaryOf(drift)]));
  }

  #deliver(result: FrameResult): void {
    this.#noteBundle(result);
    const { nowMs } = this.#clock;
    this.#seen.note(result.envelope.camera, this.#monotonicMs());
    // The timer may be late: frames of a window after the next one would find theirs not open.
    if (this.#session?.isDue(nowMs) === true) this.look();
    this.#session?.deliver(result, nowMs);
    if (this.#reference === null || this.#pipeline === null) return;
    this.#verdicts ??= this.#judge(this.#reference, this.#pipeline);
    this.#sendEvent(this.#verdicts.deliver(result, this.#accuracy.estimateOf(result.envelope.camera)));
  }

  #sendEvent(event: StreamBody<'event'> | null): void {
    if (event !== null) this.#device.send('event', () => event);
  }

  #judge(reference: OpenReference, session: PipelineSession): SessionVerdicts {
    const { falseAlarmsPerWeek, log } = this.#options;
    return new SessionVerdicts(
      reference,
      falseAlarmsPerWeek,
      () => this.#clock.nowMs,
      (line) => log('warn', `drift: ${line}`),
      session.pipeline,
    );
  }

  #send(window: StreamBody<'drift'>): void {
    const verdicts = this.#verdicts?.verdicts() ?? {};
    const labeled = this.#device.labeledAccuracy?.() ?? {};
    const cameras = window.cameras.map((one) =>
      this.#withAccuracy(withLabeled(withVerdict(one, verdicts[one.camera]), labeled[one.camera])),
    );
    const body = { ...window, cameras };
    this.#windows += 1;
    this.#newest = body;
    for (const message of messagesOf(body)) this.#device.send('drift', () => message);
  }

  #withAccuracy(camera: Camera): Camera {
    const own = this.#verdicts?.baselineOf(camera.camera) ?? null;
    const { estimate, event } = this.#accuracy.update(camera, new Date(this.#clock.nowMs).toISOString(), own);
    this.#sendEvent(event);
    return { ...camera, accuracy: estimate };
  }
}

/** Estimates begin once the fit was read. */
function startAccuracy(bundle: PipelineSession['bundle']): SessionAccuracy {
  const accuracy = new SessionAccuracy();
  if (bundle === undefined)
    accuracy.use({ reason: 'what runs is from no folder, so it has no accuracy fit' });
  else void openAccuracyFit(bundle).then((fit) => accuracy.use(fit));
  return accuracy;
}

type Camera = StreamBody<'drift'>['cameras'][number];

function withVerdict(camera: Camera, verdict: WindowVerdict | undefined): Camera {
  return verdict === undefined ? camera : { ...camera, verdict };
}

function withLabeled(camera: Camera, labeled: LabeledAccuracy | undefined): Camera {
  return labeled === undefined ? camera : { ...camera, labeled };
}
