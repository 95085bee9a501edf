import type { Clock } from '../../../src/platform/clock.ts';
import type { ToRunner } from '../../../src/device/inference/runner-messages.ts';
import { FakeHandle, REPORT } from './fake-handles.ts';

/** A runner that takes time on the fake clock: it loads, runs jobs one after the other, and exits when asked to. */
export class ServingHandle extends FakeHandle {
  readonly #clock: Clock;
  readonly #times: { readonly loadMs: number; readonly jobMs: number };
  #busyUntil = 0;
  #isAlive = true;
  /** the model does not load */
  failsToLoad = false;

  constructor(clock: Clock, times: { readonly loadMs: number; readonly jobMs: number }) {
    super('worker');
    this.#clock = clock;
    this.#times = times;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  override post(message: ToRunner): void {
    super.post(message);
    if (message.type === 'load') {
      const { failsToLoad } = this;
      this.#after(this.#times.loadMs, () => {
        if (!failsToLoad) this.say({ type: 'loaded', report: REPORT });
        else
          this.say({
            type: 'load-failed',
            code: 'GOSHAWK_MODEL_UNREADABLE',
            details: { file: 'f', reason: 'r' },
          });
      });
    } else if (message.type === 'run') this.#after(this.#times.jobMs, () => this.answer(message));
    else this.#after(0, () => this.crash('closed'));
  }

  override abandon(): void {
    super.abandon();
    this.#isAlive = false;
  }

  /** Kills it immediately, whatever it is doing. */
  crash(reason = 'signal SIGSEGV'): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.exit(reason);
  }

  #after(ms: number, work: () => void): void {
    const now = this.#clock.monotonicMs();
    this.#busyUntil = Math.max(now, this.#busyUntil) + ms;
    this.#clock.startTimer(() => {
      if (this.#isAlive) work();
    }, this.#busyUntil - now);
  }
}
