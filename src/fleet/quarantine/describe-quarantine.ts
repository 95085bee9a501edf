import type { QuarantineChange, QuarantineEntry, QuarantineList } from '../../contract/fleet-quarantine.ts';

/** Shown of what a check said. */
const MAX_DETAIL = 120;

/** What robots wrote, harmless to a terminal. */
export function harmless(text: string): string {
  return text.replace(
    /[^\x20-\x7e\xa0-\uffff]/g,
    (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function lineOf({ id, receivedAt, topic, reason, detail, bytes, message }: QuarantineEntry): string {
  const { firstId = 0, lastId = 0, bootId = '' } = message ?? {};
  const numbers = firstId === lastId ? `${lastId}` : `${firstId}-${lastId}`;
  const which = message === null ? 'sample' : `${numbers} of boot ${bootId.slice(0, 8)}`;
  const why = `${reason}: ${harmless(detail.slice(0, MAX_DETAIL))}`;
  return `${id}  ${receivedAt}  ${harmless(topic)}  ${which}  ${bytes} bytes  ${why}`;
}

/** The list for people. */
export function describeQuarantine({ total, entries }: QuarantineList): string {
  if (total === 0) return 'nothing in quarantine';
  const more = total > entries.length ? [`${total - entries.length} older ones; see --limit`] : [];
  return [...entries.map(lineOf), ...more].join('\n');
}

/** What was done, for people. */
export function describeChange({ isDryRun, stored, dropped, refused }: QuarantineChange): string {
  const reasons = Object.entries(refused).map(([reason, count]) => `${reason} ${count}`);
  const still = reasons.length === 0 ? '' : `; still refused: ${reasons.join(', ')}`;
  const dry = isDryRun ? 'dry run, nothing was changed: ' : '';
  return `${dry}${stored} stored, ${dropped} dropped${still}`;
}
