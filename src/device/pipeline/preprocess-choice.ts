import type { PreprocessDecision, PreprocessMode } from './frame/preprocess-mode.ts';

/** What the operator asked for. */
export const PREPROCESS_WISHES = ['auto', 'sharp', 'graph'] as const;

export type PreprocessPreference = (typeof PREPROCESS_WISHES)[number];

/** frames of each way that are let pass before measuring: caches, memory, the graph's plan for this size */
const WARM_FRAMES = 4;
/** frames of each way that are measured */
const MEASURED_FRAMES = 12;
/**
 * sharp is taken where its time is below this share of the graph's. A busy machine blurs the measurement by a
 * tenth and more, and of two ways that take as long the graph's is the cheaper: it copies nothing and leaves
 * the threads of this process to others.
 */
const CLEARLY_FASTER = 0.85;

/**
 * Chooses how one camera's images reach the size of the network. `auto` sends the first frames both ways in
 * turn and keeps the way whose median time from the gate to the detections is shorter, the graph where they
 * are much alike; the choice is made anew when the camera's size or encoding changes.
 */
export class PreprocessChoice {
  readonly #acceptsRaw: boolean;
  readonly #preferred: PreprocessPreference;
  #subject = '';
  #decision: PreprocessDecision | null = null;
  #sent = 0;
  #sharpMs: number[] = [];
  #graphMs: number[] = [];

  constructor(preferred: PreprocessPreference, acceptsRaw: boolean) {
    this.#preferred = preferred;
    this.#acceptsRaw = acceptsRaw;
  }

  /** the decision in force, or `null` while it is being measured and before the first frame */
  get decision(): PreprocessDecision | null {
    return this.#decision;
  }

  /** The way for the next frame. @param isPacked a raw `rgb8` or `bgr8` image, the only kind that the graph reads */
  modeFor(width: number, height: number, encoding: string, isPacked: boolean): PreprocessMode {
    const subject = `${width.toString()}x${height.toString()} ${encoding}`;
    if (subject !== this.#subject) this.#begin(subject, isPacked);
    if (this.#decision !== null) return this.#decision.mode;
    this.#sent += 1;
    return this.#sent % 2 === 0 ? 'graph' : 'sharp';
  }

  /** Tells what a frame cost. Returns the decision at the moment it falls, `null` otherwise. */
  report(mode: PreprocessMode, milliseconds: number): PreprocessDecision | null {
    if (this.#decision !== null) return null;
    (mode === 'graph' ? this.#graphMs : this.#sharpMs).push(milliseconds);
    const needed = WARM_FRAMES + MEASURED_FRAMES;
    if (this.#sharpMs.length < needed || this.#graphMs.length < needed) return null;
    const sharp = medianAfterWarmUp(this.#sharpMs);
    const graph = medianAfterWarmUp(this.#graphMs);
    const better = sharp < CLEARLY_FASTER * graph ? 'sharp' : 'graph';
    return this.#decide(
      better,
      `measured on ${this.#subject}: sharp ${sharp.toFixed(1)} ms, graph ${graph.toFixed(1)} ms to the detections`,
    );
  }

  /** The graph refused a raw image: sharp from here on. */
  giveUpGraph(reason: string): PreprocessDecision | null {
    if (this.#preferred !== 'auto' || this.#decision?.mode === 'sharp') return null;
    return this.#decide('sharp', `the graph failed on ${this.#subject}: ${reason}`);
  }

  #begin(subject: string, isPacked: boolean): void {
    this.#subject = subject;
    this.#decision = null;
    this.#sent = 0;
    this.#sharpMs = [];
    this.#graphMs = [];
    if (this.#preferred === 'sharp') this.#decide('sharp', 'asked for');
    else if (!isPacked) this.#decide('sharp', `${subject} is not packed rgb8 or bgr8`);
    else if (!this.#acceptsRaw) this.#decide('sharp', 'the engine takes no raw frames');
    else if (this.#preferred === 'graph') this.#decide('graph', 'asked for');
  }

  #decide(mode: PreprocessMode, why: string): PreprocessDecision {
    this.#decision = { mode, why };
    return this.#decision;
  }
}

function medianAfterWarmUp(milliseconds: readonly number[]): number {
  const sorted = milliseconds.slice(WARM_FRAMES).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}
