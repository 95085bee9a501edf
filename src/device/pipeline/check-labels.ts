import { GoshawkError } from '../../contract/errors.ts';

/**
 * Checks that one model can take over from another while frames flow: sinks know classes by their number, and
 * subscribers keep the names for good.
 * @throws GoshawkError GOSHAWK_SWAP_LABELS
 */
export function checkSameLabels(labels: readonly string[], next: readonly string[]): void {
  const most = Math.max(labels.length, next.length);
  const at = Array.from({ length: most }, (_, i) => i).find((i) => labels[i] !== next[i]);
  if (at === undefined) return;
  throw new GoshawkError('GOSHAWK_SWAP_LABELS', {
    count: labels.length,
    nextCount: next.length,
    label: labels[at] ?? 'nothing',
    nextLabel: next[at] ?? 'nothing',
  });
}
