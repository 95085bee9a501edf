import { describeError } from '../../contract/errors.ts';
import type { DesiredState } from './desired.ts';
import type { EffectTargets, OnTrouble } from './effect-targets.ts';

/** A bundle is tried again this long after it could not be loaded. */
const RETRY_MS = 60_000;

/** In place of a trouble: none, but nothing was loaded either. */
const LATER = '';

/**
 * Runs the bundle that the rules ask for. Loading takes seconds, in which they may ask for another one: one is loaded
 * at a time, then the one that is wanted by then.
 */
export class FallbackEffect {
  readonly #onTrouble: OnTrouble;
  #wanted: DesiredState['fallback'] = null;
  /** bundle that runs in place of the configured one, as it is named in the policy */
  #running: string | null = null;
  /** bundle that could not be loaded: tried again when another one was asked for meanwhile, or after a while */
  #refused: string | null = null;
  #swap: EffectTargets['swapModel'] = null;
  #isLoading = false;
  #session = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(onTrouble: OnTrouble) {
    this.#onTrouble = onTrouble;
  }

  /** True while the configured bundle runs, and no other one is wanted or on its way. */
  get isConfigured(): boolean {
    return this.#running === null && this.#wanted === null && !this.#isLoading;
  }

  /** Another session runs as it is configured. */
  renew(): void {
    clearTimeout(this.#retry);
    this.#session += 1;
    this.#running = null;
    this.#refused = null;
    this.#isLoading = false;
  }

  update(wanted: DesiredState['fallback'], swap: EffectTargets['swapModel']): void {
    if (wanted?.value.bundle !== this.#wanted?.value.bundle) this.#refused = null;
    this.#wanted = wanted;
    this.#swap = swap;
    void this.#move();
  }

  /** Never rejects. */
  async #move(): Promise<void> {
    if (this.#isLoading) return;
    const session = this.#session;
    for (let next = this.#next(); next !== null; next = this.#next()) {
      clearTimeout(this.#retry);
      this.#isLoading = true;
      const trouble = await next.swap(next.bundle).then((isDone) => (isDone ? null : LATER), describeError);
      // what became of it no longer matters to a session that ends
      if (session !== this.#session || this.#swap === null) return;
      this.#isLoading = false;
      if (trouble === null) this.#runs(next);
      else if (!this.#goesOn(next, trouble)) return;
    }
  }

  /** What is to be loaded; null if what runs is what is wanted. */
  #next(): NextBundle | null {
    const bundle = this.#wanted?.value.bundle ?? null;
    const swap = this.#swap;
    const isRefused = bundle !== null && bundle === this.#refused;
    if (swap === null || bundle === this.#running || isRefused) return null;
    return { bundle, rule: this.#wanted?.rule ?? '', swap };
  }

  #runs(next: NextBundle): void {
    this.#running = next.bundle;
    this.#onTrouble(next.rule, actionOf(next), null);
  }

  /** False if there is nothing to do but wait. */
  #goesOn(next: NextBundle, trouble: string): boolean {
    this.#retry = setTimeout(() => this.#tryAgain(), RETRY_MS).unref();
    if (trouble === LATER) return false;
    this.#onTrouble(next.rule, actionOf(next), trouble);
    this.#refused = next.bundle;
    return next.bundle !== null;
  }

  #tryAgain(): void {
    this.#refused = null;
    void this.#move();
  }
}

interface NextBundle {
  readonly bundle: string | null;
  /** that asked for it; empty for the configured one */
  readonly rule: string;
  readonly swap: NonNullable<EffectTargets['swapModel']>;
}

function actionOf({ bundle }: NextBundle): string {
  return bundle === null ? 'return to the configured bundle' : 'fallback';
}
