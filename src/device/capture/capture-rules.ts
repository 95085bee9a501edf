import type { ClipTrigger } from '../../contract/clips.ts';
import type { Status } from '../../contract/status.ts';
import type { Detections } from '../../core/detections.ts';
import { cutText } from '../../core/cut-text.ts';
import { ABSENT, BLOCK } from '../../core/drift/frame-block.ts';
import { verdictWords } from '../../core/drift/window-verdict.ts';

export interface RuleOptions {
  /** mean score of boxes below which a clip is recorded; 0 for never */
  readonly lowConfidence: number;
  /** share of suppressed boxes that confident ones removed (R) below which a clip is recorded; 0 for never */
  readonly disagreement: number;
  /** labels of which every appearance is recorded */
  readonly rareClasses: readonly string[];
}

/** Boxes over this time are looked at together, and so many of them at least. */
const WINDOW_MS = 5_000;
const MIN_BOXES = 20;
/** Frames in a row in which a rare class must be: a box of one frame is more often an error than a find. */
const RARE_FRAMES = 3;
/** A rule asks for one clip of a camera in this time, at most. */
const PAUSE_MS = 600_000;

/** What the rules know of one camera. */
interface Watched {
  /** when the boxes began whose scores are added, and those whose agreement is */
  windowAt: number;
  agreementAt: number;
  scores: number;
  sum: number;
  /** of suppression, added up (`BLOCK`) */
  kept: number;
  reliable: number;
  overlapping: number;
  rareFrames: number;
  drift: string;
  readonly askedAt: Map<string, number>;
}

type DriftStatus = NonNullable<Status['drift']>;
type Wanted = Pick<ClipTrigger, 'reason' | 'text' | 'camera'>;

/** When a clip is worth its bytes without anybody asking for it. */
export class CaptureRules {
  readonly #options: RuleOptions;
  /** by class index */
  readonly #isRare: readonly boolean[];
  readonly #labels: readonly string[];
  readonly #cameras = new Map<string, Watched>();

  constructor(options: RuleOptions, labels: readonly string[]) {
    this.#options = options;
    this.#labels = labels;
    this.#isRare = labels.map((label) => options.rareClasses.includes(label));
  }

  /**
   * Called for every published frame.
   * @param statistics block of the frame, if it was measured
   */
  look(
    camera: string,
    detections: Detections,
    statistics: Float32Array | null,
    nowMs: number,
  ): Wanted | null {
    const watched = this.#watched(camera, nowMs);
    return (
      this.#lookForRare(watched, camera, detections, nowMs) ??
      this.#lookAtScores(watched, camera, detections, nowMs) ??
      this.#lookAtAgreement(watched, camera, statistics, nowMs)
    );
  }

  /** Called now and then with what is known of drift: an alarm, and its end. */
  lookAtDrift({ verdicts, accuracy }: Pick<DriftStatus, 'verdicts' | 'accuracy'>, nowMs: number): Wanted[] {
    // of a silent camera, or with another bundle, nothing is known: drift that is found after that is a new find
    for (const [camera, watched] of this.#cameras) if (verdicts?.[camera] === undefined) watched.drift = 'ok';
    return Object.entries(verdicts ?? {}).flatMap(([camera, verdict]): Wanted[] => {
      const watched = this.#watched(camera, nowMs);
      const before = watched.drift;
      watched.drift = verdict.state;
      const isAlarm = verdict.state === 'drifted' && before !== 'drifted';
      const isEnd = verdict.state === 'recovering' && before === 'drifted';
      if (!isAlarm && !isEnd) return [];
      return [{ reason: 'drift', camera, text: cutText(verdictWords(verdict, accuracy?.[camera]), 500) }];
    });
  }

  #lookForRare(
    watched: Watched,
    camera: string,
    { count, classes }: Detections,
    nowMs: number,
  ): Wanted | null {
    let found = -1;
    for (let i = 0; i < count; i++) if (this.#isRare[classes[i]!] === true) found = classes[i]!;
    watched.rareFrames = found < 0 ? 0 : watched.rareFrames + 1;
    if (watched.rareFrames < RARE_FRAMES) return null;
    const text = `${this.#labels[found] ?? ''} in ${String(RARE_FRAMES)} frames in a row`;
    return this.#ask(watched, { reason: 'rare_class', camera, text }, nowMs);
  }

  #lookAtScores(
    watched: Watched,
    camera: string,
    { count, scores }: Detections,
    nowMs: number,
  ): Wanted | null {
    if (this.#options.lowConfidence === 0) return null;
    for (let i = 0; i < count; i++) watched.sum += scores[i]!;
    watched.scores += count;
    if (nowMs - watched.windowAt < WINDOW_MS) return null;
    const mean = watched.sum / watched.scores;
    const isLow = watched.scores >= MIN_BOXES && mean < this.#options.lowConfidence;
    Object.assign(watched, { windowAt: nowMs, scores: 0, sum: 0 });
    if (!isLow) return null;
    const text = `mean score ${mean.toFixed(2)} over 5 s, below ${String(this.#options.lowConfidence)}`;
    return this.#ask(watched, { reason: 'low_confidence', camera, text }, nowMs);
  }

  /** Heads without suppression have nothing to agree on. */
  #lookAtAgreement(
    watched: Watched,
    camera: string,
    statistics: Float32Array | null,
    nowMs: number,
  ): Wanted | null {
    const limit = this.#options.disagreement;
    if (limit === 0 || statistics === null) return null;
    const kept = statistics[BLOCK.kept]!;
    if (kept !== ABSENT) {
      watched.kept += kept;
      watched.reliable += statistics[BLOCK.reliable]!;
      watched.overlapping += statistics[BLOCK.overlapping]!;
    }
    if (nowMs - watched.agreementAt < WINDOW_MS) return null;
    const agreement = watched.overlapping > 0 ? watched.reliable / watched.overlapping : 1;
    const isLow = watched.kept >= MIN_BOXES && agreement < limit;
    Object.assign(watched, { agreementAt: nowMs, kept: 0, reliable: 0, overlapping: 0 });
    if (!isLow) return null;
    const text = `reliability of suppression ${agreement.toFixed(2)} over 5 s, below ${String(limit)}`;
    return this.#ask(watched, { reason: 'disagreement', camera, text }, nowMs);
  }

  #ask(watched: Watched, wanted: Wanted, nowMs: number): Wanted | null {
    const askedAt = watched.askedAt.get(wanted.reason) ?? -Infinity;
    if (nowMs - askedAt < PAUSE_MS) return null;
    watched.askedAt.set(wanted.reason, nowMs);
    return wanted;
  }

  #watched(camera: string, nowMs: number): Watched {
    const known = this.#cameras.get(camera);
    if (known !== undefined) return known;
    const times = { windowAt: nowMs, agreementAt: nowMs };
    const sums = { scores: 0, sum: 0, kept: 0, reliable: 0, overlapping: 0 };
    const watched = { ...times, ...sums, rareFrames: 0, drift: 'ok', askedAt: new Map<string, number>() };
    this.#cameras.set(camera, watched);
    return watched;
  }
}
