import type { PreprocessDecision, PreprocessMode } from './frame/preprocess-mode.ts';

/** The operator's preference. */
export const PREPROCESS_WISHES = ['auto', 'sharp', 'graph'] as const;

export type PreprocessPreference = (typeof PREPROCESS_WISHES)[number];

/** frames each way before measuring, to fill caches and memory and to build the graph's plan for this size */
const WARM_FRAMES = 4;
/** frames each way that are measured */
const MEASURED_FRAMES = 12;
/** what the graph takes */
const PACKED: ReadonlySet<string> = new Set(['rgb8', 'bgr8']);
/**
 * sharp is chosen if its time is below this share of the graph's. A busy machine blurs the measurement by a tenth or
 * more, and at equal times the graph is cheaper: it copies nothing and leaves this process's threads to others.
 */
const CLEARLY_FASTER = 0.85;

/**
 * Chooses how one camera's images are brought to the network's size. `auto` sends the first frames both ways in turn
 * and keeps the way with the shorter median time from the gate to the detections, or the graph if they are about equal;
 * a change of the camera's size or encoding starts the choice over.
 */
export class PreprocessChoice {
  readonly #acceptsRaw: boolean;
  readonly #preferred: PreprocessPreference;
  #width = 0;
  #height = 0;
  #encoding = '';
  #decision: PreprocessDecision | null = null;
  #hasGivenUp = false;
  #sent = 0;
  #sharpMs: number[] = [];
  #graphMs: number[] = [];

  constructor(preferred: PreprocessPreference, acceptsRaw: boolean) {
    this.#preferred = preferred;
    this.#acceptsRaw = acceptsRaw;
  }

  /** the current decision; `null` while measuring and before the first frame */
  get decision(): PreprocessDecision | null {
    return this.#decision;
  }

  /** the decision is that of a graph that failed, and so of one model */
  get hasGivenUpGraph(): boolean {
    return this.#hasGivenUp;
  }

  /** The way for the next frame. */
  modeFor(width: number, height: number, encoding: string): PreprocessMode {
    if (width !== this.#width || height !== this.#height || encoding !== this.#encoding) {
      this.#width = width;
      this.#height = height;
      this.#encoding = encoding;
      this.#begin();
    }
    if (this.#decision !== null) return this.#decision.mode;
    this.#sent += 1;
    return this.#sent % 2 === 0 ? 'graph' : 'sharp';
  }

  /** Records what a frame cost. Returns the decision when it is made, `null` otherwise. */
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

  /** The graph refused a raw image: uses sharp from here on. */
  giveUpGraph(reason: string): PreprocessDecision | null {
    if (this.#preferred !== 'auto' || this.#decision?.mode === 'sharp') return null;
    this.#hasGivenUp = true;
    return this.#decide('sharp', `the graph failed on ${this.#subject}: ${reason}`);
  }

  get #subject(): string {
    return `${this.#width.toString()}x${this.#height.toString()} ${this.#encoding}`;
  }

  #begin(): void {
    this.#decision = null;
    this.#hasGivenUp = false;
    this.#sent = 0;
    this.#sharpMs = [];
    this.#graphMs = [];
    if (this.#preferred === 'sharp') this.#decide('sharp', 'asked for');
    else if (!PACKED.has(this.#encoding))
      this.#decide('sharp', `${this.#subject} is not packed rgb8 or bgr8`);
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
