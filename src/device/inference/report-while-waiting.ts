import { PROVIDER_TABLE, PROVIDERS } from '../../contract/providers.ts';
import { listUsableProviders } from './providers.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';

/** Seconds between two progress lines. */
const EVERY_SECONDS = 10;

/**
 * Waits for `work` and reports every ten seconds, so that a long wait is not mistaken for a hang.
 * @param say gets the seconds that have passed
 * @returns what `work` resolves to; rejects as it does
 */
export async function reportWhileWaiting<T>(
  work: Promise<T>,
  say: (seconds: number) => void,
  clock: Clock = systemClock,
): Promise<T> {
  const started = clock.monotonicMs();
  const wait = () =>
    clock.startTimer(() => {
      say(Math.round((clock.monotonicMs() - started) / 1000));
      timer = wait();
    }, EVERY_SECONDS * 1000);
  let timer = wait();
  try {
    return await work;
  } finally {
    clock.stopTimer(timer);
  }
}

/**
 * The progress line while a model loads.
 * @param wish preferred execution providers
 * @param usable those that can be used here
 */
export function stillLoading(
  bundle: string,
  seconds: number,
  preferred: readonly string[],
  usable: readonly string[] = listUsableProviders(),
): string {
  const builder = PROVIDERS.find((name) => preferred.includes(name) && usable.includes(name));
  const reason = builder === undefined ? undefined : PROVIDER_TABLE[builder].buildsEngine;
  const why = reason === undefined ? '' : `: ${reason}`;
  return `${bundle} is still loading after ${String(seconds)} s${why}`;
}
