import { GoshawkError } from '../contract/errors.ts';

/**
 * The creation time recorded in a bundle: `given` (ISO 8601, or `now`), else SOURCE_DATE_EPOCH (seconds since
 * 1970, the convention of reproducible-builds.org), else none. The clock is never read unless requested: a
 * bundle's digest covers its manifest, and repeating a step with the same input must yield the same digest.
 * Throws GOSHAWK_USAGE.
 */
export function createdAtFrom(
  given: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
  now: () => Date = () => new Date(),
): string | undefined {
  if (given === 'now') return now().toISOString();
  if (given !== undefined) {
    const zoned = /T.*(Z|[+-]\d\d:?\d\d)$/.test(given);
    return isoOf(
      zoned ? new Date(given) : new Date(NaN),
      `--created-at ${given} is not a time such as 2026-11-23T09:30:00Z`,
    );
  }
  const epoch = env['SOURCE_DATE_EPOCH'];
  if (epoch === undefined || epoch === '') return undefined;
  const seconds = /^\d+$/.test(epoch) ? Number(epoch) : NaN;
  return isoOf(
    new Date(seconds * 1000),
    `SOURCE_DATE_EPOCH=${epoch} is not a whole number of seconds since 1970`,
  );
}

function isoOf(date: Date, reason: string): string {
  // the manifest does not accept ISO 8601 years with more than four digits
  const valid =
    Number.isFinite(date.getTime()) && date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999;
  if (!valid) throw new GoshawkError('GOSHAWK_USAGE', { reason });
  return date.toISOString();
}
