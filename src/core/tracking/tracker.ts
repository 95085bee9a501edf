import type { Detections } from '../detections.ts';
import { iou } from '../nms.ts';
import { Assignment } from './assignment.ts';
import { LOST, TENTATIVE, TRACKED, TrackStore } from './track-store.ts';

export interface TrackerSettings {
  /** detections with at least this score are matched first and may start a track */
  readonly highScore: number;
  /** detections with at least this score may still extend a track that was seen in the last frame */
  readonly lowScore: number;
  /** minimum score for an unmatched detection to start a track, >= highScore */
  readonly newTrackScore: number;
  /** minimum IoU times score between a high-score detection and the predicted box of its track */
  readonly minOverlap: number;
  /** minimum IoU for a low-score detection */
  readonly minOverlapLow: number;
  /** consecutive frames after which a new track is confirmed and gets its id, >= 1 */
  readonly confirmFrames: number;
  /** seconds without a detection after which a track is dropped */
  readonly maxLostSeconds: number;
  /** maximum number of tracks, including tentative and lost ones */
  readonly maxTracks: number;
}

export const DEFAULT_TRACKER_SETTINGS: TrackerSettings = {
  highScore: 0.5,
  lowScore: 0.1,
  newTrackScore: 0.6,
  minOverlap: 0.2,
  minOverlapLow: 0.5,
  confirmFrames: 2,
  maxLostSeconds: 1,
  maxTracks: 512,
};

/** Marks a track or detection without a match in this frame. */
const FREE = 1;
const TAKEN = 0;

/**
 * Tracks the objects of one camera with ByteTrack (Zhang et al. 2022): high-score detections are matched with
 * all confirmed tracks, low-score ones with the remaining tracks that were seen in the last frame, then
 * high-score ones with tentative tracks. A match needs the same class and enough overlap; of all matches the
 * assignment with the greatest total overlap is used. Memory is fixed by `maxTracks` and the largest frame.
 */
export class Tracker {
  /** Minimum score of detections that a tracker with the default settings uses. */
  static readonly wantsFrom = DEFAULT_TRACKER_SETTINGS.lowScore;
  readonly #settings: TrackerSettings;
  readonly #store: TrackStore;
  readonly #assignment = new Assignment();
  readonly #trackFree: Uint8Array;
  readonly #rows: Int32Array;
  readonly #columnOf: Int32Array;
  #detectionFree = new Uint8Array(0);
  #columns = new Int32Array(0);
  #cost = new Float64Array(0);
  #rowCount = 0;
  #columnCount = 0;
  #lastStamp = -Infinity;
  #lastId = 0;
  #refused = 0;

  constructor(settings: TrackerSettings = DEFAULT_TRACKER_SETTINGS) {
    this.#settings = settings;
    this.#store = new TrackStore(settings.maxTracks);
    this.#trackFree = new Uint8Array(settings.maxTracks);
    this.#rows = new Int32Array(settings.maxTracks);
    this.#columnOf = new Int32Array(settings.maxTracks);
  }

  /** Current number of tracks, including tentative and lost ones. */
  get size(): number {
    return this.#store.count;
  }

  /**
   * Number of detections since the start that would have started a track but found `maxTracks` tracks, none
   * of them lost.
   */
  get refused(): number {
    return this.#refused;
  }

  /** Drops all tracks. Their ids are not reused. */
  reset(): void {
    this.#store.count = 0;
    this.#lastStamp = -Infinity;
  }

  /**
   * Takes the detections of the next frame and writes `detections.tracks`: the id of each detection's track,
   * 0 if it has none or the track is not confirmed yet. Ids count up from 1. A stamp older than the previous
   * one means that the clock or the recording restarted: all tracks are dropped.
   *
   * @param stampSeconds the frame's stamp; only differences matter
   */
  update(detections: Detections, stampSeconds: number): void {
    const { highScore, lowScore, minOverlap, minOverlapLow } = this.#settings;
    if (stampSeconds < this.#lastStamp) this.reset();
    this.#dropExpired(stampSeconds);
    if (this.#store.count > 0) this.#store.predict(stampSeconds - this.#lastStamp);
    this.#lastStamp = stampSeconds;

    this.#prepare(detections);
    this.#trackFree.fill(FREE, 0, this.#store.count);

    this.#choose(detections, highScore, Infinity, TRACKED, LOST);
    this.#associate(detections, minOverlap, true);
    this.#choose(detections, lowScore, highScore, TRACKED, TRACKED);
    this.#associate(detections, minOverlapLow, false);
    this.#choose(detections, highScore, Infinity, TENTATIVE, TENTATIVE);
    this.#associate(detections, minOverlap, true);

    this.#retireUnmatched();
    this.#startNew(detections);
  }

  #prepare(detections: Detections): void {
    const { count } = detections;
    if (this.#detectionFree.length < count) {
      this.#detectionFree = new Uint8Array(count);
      this.#columns = new Int32Array(count);
    }
    this.#detectionFree.fill(FREE, 0, count);
    detections.tracks.fill(0, 0, count);
  }

  /** Lists the free tracks in one of two states and the free detections with a score in [from, below). */
  #choose(detections: Detections, from: number, below: number, state: number, orState: number): void {
    const { states, count } = this.#store;
    this.#rowCount = 0;
    for (let track = 0; track < count; track++) {
      if (this.#trackFree[track] === FREE && (states[track] === state || states[track] === orState)) {
        this.#rows[this.#rowCount++] = track;
      }
    }
    this.#columnCount = 0;
    for (let entry = 0; entry < detections.count; entry++) {
      const score = detections.scores[entry]!;
      if (this.#detectionFree[entry] === FREE && score >= from && score < below) {
        this.#columns[this.#columnCount++] = entry;
      }
    }
  }

  /**
   * Matches the chosen tracks and detections. An overlap below the minimum costs as much as no match at all,
   * so that the assignment never sacrifices a good pair for one that would be discarded.
   */
  #associate(detections: Detections, minOverlap: number, weighByScore: boolean): void {
    const columnCount = this.#columnCount;
    if (this.#rowCount === 0 || columnCount === 0) return;
    const needed = this.#rowCount * columnCount;
    if (this.#cost.length < needed) this.#cost = new Float64Array(needed);
    const { boxes, classes } = this.#store;
    let rows = 0;
    for (let r = 0; r < this.#rowCount; r++) {
      const track = this.#rows[r]!;
      let reachable = false;
      for (let c = 0; c < columnCount; c++) {
        const entry = this.#columns[c]!;
        let overlap = 0;
        if (classes[track] === detections.classes[entry]) {
          overlap = iou(boxes, track, detections.boxes, entry);
          if (weighByScore) overlap *= detections.scores[entry]!;
        }
        const matches = overlap >= minOverlap && overlap > 0;
        if (matches) reachable = true;
        this.#cost[rows * columnCount + c] = matches ? -overlap : 0;
      }
      // a track that can match nothing needs no row
      if (reachable) this.#rows[rows++] = track;
    }
    this.#assignment.solve(this.#cost, rows, columnCount, this.#columnOf);
    for (let row = 0; row < rows; row++) {
      const column = this.#columnOf[row]!;
      if (column < 0 || this.#cost[row * columnCount + column] === 0) continue;
      this.#match(detections, this.#rows[row]!, this.#columns[column]!);
    }
  }

  #match(detections: Detections, track: number, entry: number): void {
    const store = this.#store;
    store.correct(track, detections.boxes, entry, this.#lastStamp);
    this.#trackFree[track] = TAKEN;
    this.#detectionFree[entry] = TAKEN;
    if (store.states[track] !== TENTATIVE) {
      store.states[track] = TRACKED;
    } else if (store.hits[track]! >= this.#settings.confirmFrames) {
      this.#confirm(track);
    }
    detections.tracks[entry] = store.ids[track]!;
  }

  #confirm(track: number): void {
    this.#store.states[track] = TRACKED;
    this.#store.ids[track] = ++this.#lastId;
  }

  #dropExpired(stampSeconds: number): void {
    const store = this.#store;
    for (let track = store.count - 1; track >= 0; track--) {
      if (stampSeconds - store.lastSeen[track]! > this.#settings.maxLostSeconds) store.remove(track);
    }
  }

  /** Confirmed tracks that were not seen become lost, tentative ones are dropped. */
  #retireUnmatched(): void {
    const store = this.#store;
    for (let track = store.count - 1; track >= 0; track--) {
      if (this.#trackFree[track] !== FREE) continue;
      if (store.states[track] === TENTATIVE) {
        const last = store.count - 1;
        this.#trackFree[track] = this.#trackFree[last]!;
        store.remove(track);
      } else {
        store.states[track] = LOST;
      }
    }
  }

  #startNew(detections: Detections): void {
    const store = this.#store;
    const { newTrackScore, confirmFrames } = this.#settings;
    for (let entry = 0; entry < detections.count; entry++) {
      if (this.#detectionFree[entry] !== FREE || detections.scores[entry]! < newTrackScore) continue;
      if (store.count === store.capacity && !this.#dropLongestLost()) {
        this.#refused++;
        continue;
      }
      const track = store.count;
      store.add(detections.boxes, entry, detections.classes[entry]!, this.#lastStamp);
      if (confirmFrames <= 1) this.#confirm(track);
      detections.tracks[entry] = store.ids[track]!;
    }
  }

  /** Makes room for a visible object by dropping a lost one. */
  #dropLongestLost(): boolean {
    const { states, lastSeen, count } = this.#store;
    let longest = -1;
    for (let track = 0; track < count; track++) {
      if (states[track] !== LOST) continue;
      if (longest < 0 || lastSeen[track]! < lastSeen[longest]!) longest = track;
    }
    if (longest >= 0) this.#store.remove(longest);
    return longest >= 0;
  }
}
