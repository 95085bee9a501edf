import type { Tags } from '../../contract/telemetry/shapes.ts';

/** Labels of one detector, at most. */
export const MAX_TAGS = 16;

/** A key like a topic level without dots, and a short value without what separates lists. */
export const TAG_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,31}=[^\\u0000-\\u001f\\u007f=,]{1,64}$';
export const TAG_FORM =
  'KEY=VALUE: a key of at most 32 letters, digits, _ and -, a value of at most 64 characters';

/** Labels by key, of entries that fit the pattern; the last one of a key counts. */
export function tagsOf(entries: readonly string[]): Tags {
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
    }),
  );
}
