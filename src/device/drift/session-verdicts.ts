import type { GoshawkError } from '../../contract/errors.ts';
import type { Status } from '../../contract/status.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { cutText } from '../../core/cut-text.ts';
import { Observer } from '../../core/drift/observe/observer.ts';
import type { DriftSummary } from '../../core/drift/summary.ts';
import { columnsWithoutBoxes, forgetBoxes } from '../../core/drift/observe/without-boxes.ts';
import { CameraJudge, type JudgedReference } from '../../core/drift/verdict/camera-judge.ts';
import { windowVerdict } from '../../core/drift/verdict/to-window.ts';
import type { AccuracyEstimate } from '../../core/drift/window-accuracy.ts';
import { verdictWords, type WindowVerdict } from '../../core/drift/window-verdict.ts';
import type { FrameResult } from '../pipeline/frame/frame-result.ts';
import type { RunSettings } from '../pipeline/run-settings.ts';
import { frameKindMismatch, type FrameKindMismatch } from './frame-kind.ts';
import { mismatchOf, type OpenReference } from './open-reference.ts';
import { settingsMismatch, type SettingsMismatch } from './reference-settings.ts';

type EventBody = StreamBody<'event'>;
type Trouble = NonNullable<NonNullable<Status['drift']>['unjudged']>[string];

/** Kinds of events, and how urgent they are. States last for 20 observations and more, so there are few of them. */
const EVENTS = {
  ok: ['drift_over', 'info'],
  suspect: ['drift_suspected', 'info'],
  drifted: ['drift_detected', 'warning'],
  recovering: ['drift_recovering', 'info'],
} as const satisfies Record<WindowVerdict['state'], readonly [string, EventBody['severity']]>;

const MAX_TEXT = 500;

/** So many frames of another kind in a row are no trial of which way of resizing is faster. */
const OTHER_KIND_FRAMES = 5;

interface JudgedCamera {
  readonly observer: Observer;
  judge: CameraJudge;
  /** when its newest observation was made, since the epoch */
  atMs: number;
}

/** Whether what the cameras of one session show is what a reference has. */
export class SessionVerdicts {
  readonly #open: OpenReference;
  readonly #perWeek: number;
  readonly #wallMs: () => number;
  readonly #warn: (line: string) => void;
  readonly #cameras = new Map<string, JudgedCamera>();
  readonly #unjudged = new Map<string, Trouble>();
  /** frames in a row that are of another kind than those of the reference */
  readonly #otherKinds = new Map<string, number>();
  /** lines about cameras without verdicts that were logged */
  readonly #said = new Set<string>();
  readonly #settings: RunSettings;
  /** those that `#differs` is of; null before the first frame */
  #limits: RunSettings['limits'] | null = null;
  #differs: SettingsMismatch | null = null;

  /** @param settings of the detector, which may change at any frame */
  constructor(
    open: OpenReference,
    perWeek: number,
    wallMs: () => number,
    warn: (line: string) => void,
    settings: RunSettings,
  ) {
    this.#settings = settings;
    this.#open = open;
    this.#perWeek = perWeek;
    this.#wallMs = wallMs;
    this.#warn = warn;
  }

  /**
   * Frames of a camera come in order.
   * @param accuracy the newest estimate of this camera
   * @returns an event if its state changed
   */
  deliver(result: FrameResult, accuracy: AccuracyEstimate | undefined): EventBody | null {
    const { envelope, statistics, detections, sourceWidth, sourceHeight } = result;
    const { camera, receivedAt, sequence } = envelope;
    this.#lookAtSettings();
    const judged = statistics === null ? undefined : this.#judged(result);
    if (statistics === null || judged === undefined) return null;
    const size = { width: sourceWidth, height: sourceHeight };
    const observation = judged.observer.observe(statistics, detections, size, receivedAt);
    if (observation === null) return null;
    if (this.#differs?.boxes === true) forgetBoxes(observation);
    judged.atMs = this.#wallMs();
    if (!judged.judge.update(observation)) return null;
    const verdict = windowVerdict(judged.judge.verdict(), judged.atMs);
    return eventOf(verdict, camera, sequence, accuracy);
  }

  /** Limits may change at any frame, by the operator or a policy. */
  #lookAtSettings(): void {
    const settings = this.#settings;
    if (settings.limits === this.#limits) return;
    const before = this.#differs;
    this.#limits = settings.limits;
    this.#differs = settingsMismatch(this.#open, settings);
    const { error } = this.#differs ?? {};
    if (error !== undefined && error.message !== before?.error.message)
      this.#warn(`${error.code}: ${error.message}`);
    if ((before?.boxes ?? false) === (this.#differs?.boxes ?? false)) return;
    for (const one of this.#cameras.values())
      one.judge = new CameraJudge(this.#reference(), this.#perWeek, one.judge);
  }

  /** What is compared: nothing of boxes that other limits made. */
  #reference(): JudgedReference {
    const { reference } = this.#open;
    if (this.#differs?.boxes !== true) return reference;
    const contexts = reference.contexts.map((context) => ({
      ...context,
      columns: columnsWithoutBoxes(context.columns),
    }));
    return { features: reference.withoutBoxes, contexts };
  }

  #judged(result: FrameResult): JudgedCamera | undefined {
    const { camera } = result.envelope;
    const otherKind = frameKindMismatch(this.#open, result);
    if (otherKind !== null) {
      this.#noteOtherKind(camera, otherKind);
      return undefined;
    }
    if ((this.#otherKinds.get(camera) ?? 0) >= OTHER_KIND_FRAMES) this.#unjudged.delete(camera);
    this.#otherKinds.delete(camera);
    const known = this.#cameras.get(camera);
    if (known !== undefined || this.#unjudged.has(camera)) return known;
    const mismatch = mismatchOf(this.#open, camera, result.bundleDigest);
    if (mismatch !== null) {
      this.#refuse(camera, mismatch);
      return undefined;
    }
    const judge = new CameraJudge(this.#reference(), this.#perWeek);
    const judged = { observer: new Observer(), judge, atMs: this.#wallMs() };
    this.#cameras.set(camera, judged);
    return judged;
  }

  /** It is no observation. */
  #noteOtherKind(camera: string, { mayPass, error }: FrameKindMismatch): void {
    const before = this.#otherKinds.get(camera) ?? 0;
    const inARow = mayPass ? before + 1 : Math.max(before + 1, OTHER_KIND_FRAMES);
    this.#otherKinds.set(camera, inARow);
    if (before >= OTHER_KIND_FRAMES || inARow < OTHER_KIND_FRAMES) return;
    this.#cameras.delete(camera);
    this.#refuse(camera, error);
  }

  #refuse(camera: string, { code, message: reason }: GoshawkError): void {
    this.#unjudged.set(camera, { code, reason });
    const line = `camera ${camera}: ${code}: ${reason}`;
    // a driver may send its frames now this way, now that way
    if (!this.#said.has(line)) this.#warn(line);
    this.#said.add(line);
  }

  /**
   * A camera has sent nothing for long: nothing is known of it any more, and its next frame begins anew.
   * @returns an event if there was more to say than that all is well
   */
  forget(camera: string): EventBody | null {
    const known = this.#cameras.get(camera);
    this.#cameras.delete(camera);
    if (known === undefined || known.judge.state === 'ok') return null;
    const [kind, severity] = EVENTS.ok;
    const text = 'no frame for long: whether the input is still another one is not known';
    return { kind, severity, camera, frames: [], text, values: {} };
  }

  /** By camera, as of its newest observation; cameras without a frame have none. */
  verdicts(): Record<string, WindowVerdict> {
    return Object.fromEntries(
      Array.from(this.#cameras, ([name, { judge, atMs }]) => [name, windowVerdict(judge.verdict(), atMs)]),
    );
  }

  /**
   * Means of the declared-good context that a camera is in; null if the reference has none of this camera, or none that
   * can be compared.
   */
  baselineOf(camera: string): DriftSummary | null {
    if (this.#differs?.suppression === true) return null;
    const context = this.#cameras.get(camera)?.judge.verdict().context;
    const measures = this.#open.reference.contexts.find(({ name }) => name === context)?.measures ?? null;
    return measures === null || this.#differs?.tracks !== true ? measures : withoutTracks(measures);
  }

  /** What of the reference is not compared, since the detector runs with other settings; null if all is. */
  uncompared(): Trouble | null {
    const { error } = this.#differs ?? {};
    return error === undefined ? null : { code: error.code, reason: error.message };
  }

  /** Cameras that the reference is not of, and why. */
  unjudged(): Record<string, Trouble> {
    return Object.fromEntries(this.#unjudged);
  }
}

function withoutTracks(measures: DriftSummary): DriftSummary {
  const entries = Object.entries(measures.features).filter(([name]) => !name.startsWith('track_'));
  return { ...measures, features: Object.fromEntries(entries) };
}

function eventOf(
  verdict: WindowVerdict,
  camera: string,
  frame: number,
  accuracy: AccuracyEstimate | undefined,
): EventBody {
  const [kind, severity] = EVENTS[verdict.state];
  return {
    kind,
    severity,
    camera,
    frames: [frame],
    text: cutText(verdictWords(verdict, accuracy), MAX_TEXT),
    values: {
      evidence: verdict.evidence,
      context: verdict.context,
      ...(verdict.since === null ? {} : { since: verdict.since }),
      ...(verdict.cause === null ? {} : { cause: verdict.cause.name }),
    },
  };
}
