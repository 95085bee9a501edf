import type { Detections } from '../detections.ts';
import { DEFAULT_TRACKER_SETTINGS } from '../tracking/tracker.ts';

/** A track that has ended. */
export interface EndedTrack {
  /** from the first to the last frame with it */
  readonly seconds: number;
  /** share of the frames between them without it, 0..1 */
  readonly flicker: number;
}

/** A published box of a track, compared with the track's boxes before it. */
export interface TrackStep {
  /** share of the highest score of the track that is missing, 0..1 */
  readonly sag: number;
  /** how far its center is from where the two frames before lead to, in units of its size; null without both */
  readonly jitter: number | null;
}

interface OpenTrack {
  readonly firstAt: number;
  readonly firstFrame: number;
  lastAt: number;
  lastFrame: number;
  frames: number;
  bestScore: number;
  /** center in the frame of `lastFrame`, and its change since the frame before; NaN without one */
  x: number;
  y: number;
  dx: number;
  dy: number;
}

/** Tracks that are watched at a time, as many as a tracker has. */
const { maxTracks: MAX_TRACKS, maxLostSeconds: LOST_SECONDS } = DEFAULT_TRACKER_SETTINGS;

/** Follows the tracks of one camera through its published frames, until the tracker gives them up. */
export class TrackWatch {
  readonly #open = new Map<number, OpenTrack>();
  #frames = 0;

  /**
   * @param seconds when the frame arrived, of a clock that never runs backwards
   * @param onEnded called for each track that was not seen for as long as the tracker waits
   * @param onStep called for each box of a track, from its second one on
   */
  update(
    detections: Detections,
    seconds: number,
    onEnded: (track: EndedTrack) => void,
    onStep: (step: TrackStep) => void,
  ): void {
    this.#frames += 1;
    for (let i = 0; i < detections.count; i++) {
      if (detections.tracks[i]! === 0) continue;
      const step = this.#see(detections, i, seconds);
      if (step !== null) onStep(step);
    }
    for (const [id, track] of this.#open) {
      if (track.lastAt + LOST_SECONDS >= seconds && this.#open.size <= MAX_TRACKS) continue;
      this.#open.delete(id);
      const span = track.lastFrame - track.firstFrame + 1;
      onEnded({ seconds: track.lastAt - track.firstAt, flicker: 1 - track.frames / span });
    }
  }

  #see({ boxes, scores, tracks }: Detections, i: number, seconds: number): TrackStep | null {
    const id = tracks[i]!;
    const score = scores[i]!;
    const x = (boxes[4 * i]! + boxes[4 * i + 2]!) / 2;
    const y = (boxes[4 * i + 1]! + boxes[4 * i + 3]!) / 2;
    const track = this.#open.get(id);
    if (track === undefined) {
      const frame = this.#frames;
      const first = { firstAt: seconds, firstFrame: frame, lastAt: seconds, lastFrame: frame, frames: 1 };
      this.#open.set(id, { ...first, bestScore: score, x, y, dx: NaN, dy: NaN });
      return null;
    }
    if (track.lastFrame === this.#frames) return null;
    const size = Math.sqrt((boxes[4 * i + 2]! - boxes[4 * i]!) * (boxes[4 * i + 3]! - boxes[4 * i + 1]!));
    const jitter = moveOn(track, x, y, this.#frames - track.lastFrame === 1) / size;
    track.lastAt = seconds;
    track.lastFrame = this.#frames;
    track.frames += 1;
    track.bestScore = Math.max(track.bestScore, score);
    return { sag: 1 - score / track.bestScore, jitter: Number.isFinite(jitter) ? jitter : null };
  }
}

/** Moves a track's center. @returns pixels from where it would be if it had moved as before; NaN if that is unknown */
function moveOn(track: OpenTrack, x: number, y: number, isNext: boolean): number {
  const dx = isNext ? x - track.x : NaN;
  const dy = isNext ? y - track.y : NaN;
  const off = Math.hypot(dx - track.dx, dy - track.dy);
  track.x = x;
  track.y = y;
  track.dx = dx;
  track.dy = dy;
  return off;
}
