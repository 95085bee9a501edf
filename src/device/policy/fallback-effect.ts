import { describeError } from '../../contract/errors.ts';
import type { DesiredState } from './desired.ts';
import type { EffectTargets, OnTrouble } from './effect-targets.ts';

/** A bundle is tried again this long after it could not be loaded; after each further failure, twice as long. */
const RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;

/** Failures of a bundle in a session after which it is not tried again. The configured one is tried for ever. */
const MAX_FAILURES = 5;

/** Runners that another bundle loses within this time before it is taken back; one may be lost to anything. */
const MAX_LOST = 3;
const LOST_WITHIN_MS = 600_000;

/** A bundle that has had no runner for so long is taken back: a runner is back within seconds, or never. */
const DOWN_MS = 30_000;

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
  /** how often a bundle could not be loaded, or had to be taken back, in this session */
  readonly #failures = new Map<string | null, number>();
  /** why bundles are not tried again */
  readonly #givenUp = new Map<string, string>();
  /** runners that the session had lost when counting began, and when that was; null: it has not begun */
  #counted: { readonly lost: number; readonly sinceMs: number } | null = null;
  /** since when it has no runner; null while it has */
  #downSinceMs: number | null = null;
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
    this.forgive();
  }

  /** Bundles that were given up may be tried again: another policy asks for them. */
  forgive(): void {
    this.#failures.clear();
    this.#givenUp.clear();
  }

  /**
   * Called now and then with how the engine is. A bundle that loads, but whose engine is lost again and again, or does
   * not come back, is taken back.
   * @param nowMs a clock that never runs backwards
   */
  watch({ lost, isDown }: EngineLosses, nowMs: number): void {
    const bundle = this.#running;
    this.#counted ??= { lost, sinceMs: nowMs };
    if (bundle === null || this.#isLoading) return;
    this.#downSinceMs = isDown ? (this.#downSinceMs ?? nowMs) : null;
    if (this.#downSinceMs !== null && nowMs - this.#downSinceMs >= DOWN_MS)
      return this.#takeBack(bundle, 'its engine was lost and does not come back');
    const times = lost - this.#counted.lost;
    if (times >= MAX_LOST) this.#takeBack(bundle, `its engine was lost ${String(times)} times`);
    else if (nowMs - this.#counted.sinceMs < LOST_WITHIN_MS) return;
    else if (times === 0) this.#failures.delete(bundle);
    this.#counted = { lost, sinceMs: nowMs };
  }

  #takeBack(bundle: string, trouble: string): void {
    const wanted = this.#wanted;
    // it may have been taken back already, and the configured one could not be loaded
    if (bundle === this.#refused || wanted?.value.bundle !== bundle) return;
    this.#fail({ bundle, rule: wanted.rule }, trouble);
    void this.#move();
  }

  update(wanted: DesiredState['fallback'], swap: EffectTargets['swapModel']): void {
    if (wanted?.value.bundle !== this.#wanted?.value.bundle) this.#refused = null;
    const reason = wanted === null ? undefined : this.#givenUp.get(wanted.value.bundle);
    if (wanted !== null && reason !== undefined) this.#onTrouble(wanted.rule, 'fallback', reason);
    this.#wanted = wanted;
    this.#swap = swap;
    void this.#move();
  }

  /** Never rejects. */
  async #move(): Promise<void> {
    if (this.#isLoading) return;
    const session = this.#session;
    for (let next = this.#next(); next !== null; next = this.#next()) {
      // what is taken back is still to be tried again
      if (next.bundle === (this.#wanted?.value.bundle ?? null)) clearTimeout(this.#retry);
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
    const bundle = this.#target();
    const swap = this.#swap;
    if (swap === null || bundle === this.#running) return null;
    return { bundle, rule: bundle === null ? '' : (this.#wanted?.rule ?? ''), swap };
  }

  /** What should run now, by how the bundle stands that is asked for. */
  #target(): string | null {
    const asked = this.#wanted?.value.bundle ?? null;
    switch (this.#standingOf(asked)) {
      case 'fit':
        return asked;
      case 'given up':
        return null;
      case 'refused':
        // one that was taken back must not go on; while another one is only tried later, what runs is left as it is
        return asked === this.#running ? null : this.#running;
    }
  }

  #standingOf(bundle: string | null): Standing {
    if (bundle === null) return 'fit';
    if (this.#givenUp.has(bundle)) return 'given up';
    return bundle === this.#refused ? 'refused' : 'fit';
  }

  #runs(next: NextBundle): void {
    this.#running = next.bundle;
    this.#counted = null;
    this.#downSinceMs = null;
    if (next.bundle === null) this.#failures.delete(null);
    this.#onTrouble(next.rule, actionOf(next), null);
  }

  /** False if there is nothing to do but wait. */
  #goesOn(next: NextBundle, trouble: string): boolean {
    if (trouble === LATER) {
      this.#retryIn(RETRY_MS);
      return false;
    }
    this.#fail(next, trouble);
    return next.bundle !== null;
  }

  #fail({ bundle, rule }: Pick<NextBundle, 'bundle' | 'rule'>, trouble: string): void {
    const failures = (this.#failures.get(bundle) ?? 0) + 1;
    this.#failures.set(bundle, failures);
    let reason = trouble;
    if (bundle !== null && failures >= MAX_FAILURES) {
      reason = `${trouble}; given up after ${String(failures)} tries: the configured bundle runs`;
      this.#givenUp.set(bundle, reason);
    } else this.#retryIn(Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** (failures - 1)));
    this.#refused = bundle;
    this.#onTrouble(rule, actionOf({ bundle }), reason);
  }

  #retryIn(ms: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#tryAgain(), ms).unref();
  }

  #tryAgain(): void {
    this.#refused = null;
    void this.#move();
  }
}

/** How the engine of a session is. */
export interface EngineLosses {
  /** runners that the session has lost so far */
  readonly lost: number;
  /** whether it has none left */
  readonly isDown: boolean;
}

/**
 * - `fit`: may be loaded; the configured bundle always is
 * - `refused`: could not be loaded or was taken back, and is tried again later
 * - `given up`: is not tried again
 */
type Standing = 'fit' | 'refused' | 'given up';

interface NextBundle {
  readonly bundle: string | null;
  /** that asked for it; empty for the configured one */
  readonly rule: string;
  readonly swap: NonNullable<EffectTargets['swapModel']>;
}

function actionOf({ bundle }: Pick<NextBundle, 'bundle'>): string {
  return bundle === null ? 'return to the configured bundle' : 'fallback';
}
