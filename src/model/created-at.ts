import { GoshawkError } from '../contract/errors.ts';

/**
 * The time that a bundle says it was made at: `given` (ISO 8601, or `now`), else SOURCE_DATE_EPOCH (seconds
 * since 1970, the convention of reproducible-builds.org), else none. Nothing is taken from the clock unasked:
 * a bundle's digest is over its manifest, and a step that is repeated with the same input has to give the
 * same digest. Throws GOSHAWK_USAGE.
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
      `--created-at ${given} is no time such as 2026-11-23T09:30:00Z`,
    );
  }
  const epoch = env['SOURCE_DATE_EPOCH'];
  if (epoch === undefined || epoch === '') return undefined;
  const seconds = /^\d+$/.test(epoch) ? Number(epoch) : NaN;
  return isoOf(
    new Date(seconds * 1000),
    `SOURCE_DATE_EPOCH=${epoch} is no whole number of seconds since 1970`,
  );
}

function isoOf(date: Date, reason: string): string {
  // years of more than four digits are no ISO 8601 that the manifest takes
  const valid =
    Number.isFinite(date.getTime()) && date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999;
  if (!valid) throw new GoshawkError('GOSHAWK_USAGE', { reason });
  return date.toISOString();
}
