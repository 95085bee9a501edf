import { sha256Of } from '../../../platform/digest.ts';

/** Maximum length of a topic level. */
const MAX_LEVEL = 64;

/**
 * Turns an arbitrary name into a topic level. Long names that differ only in the part that is cut off stay distinct.
 */
export function topicLevelFrom(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  if (cleaned.length <= MAX_LEVEL) return cleaned === '' ? 'robot' : cleaned;
  const digest = sha256Of(name).slice(0, 8);
  return `${cleaned.slice(0, MAX_LEVEL - 9)}-${digest}`;
}
