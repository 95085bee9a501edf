import { sha256Of } from '../../platform/digest.ts';

/** Longest level of a topic. */
const MAX_LEVEL = 64;

/**
 * A name that can be a topic level, from one that may hold anything. Long names stay apart where they differ only
 * behind what fits.
 */
export function topicLevelFrom(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  if (cleaned.length <= MAX_LEVEL) return cleaned === '' ? 'robot' : cleaned;
  const digest = sha256Of(name).slice(0, 8);
  return `${cleaned.slice(0, MAX_LEVEL - 9)}-${digest}`;
}
