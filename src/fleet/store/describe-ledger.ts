import type { FleetLedger, FleetLedgerEntry } from '../../contract/fleet-ledger.ts';
import type { NumberRange } from '../../core/ledger/number-set.ts';

/** Ranges in one line, at most; what is between is counted. */
const MAX_SHOWN = 4;

function formatRanges(ranges: readonly NumberRange[]): string {
  if (ranges.length === 0) return 'none';
  const texts = ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  if (texts.length <= MAX_SHOWN) return texts.join(' ');
  const half = MAX_SHOWN / 2;
  return [...texts.slice(0, half), `(${texts.length - MAX_SHOWN} more)`, ...texts.slice(-half)].join(' ');
}

function lineOf({
  stored,
  quarantined,
  declared,
  holes,
  stream,
  bootId,
  lastReceivedAt,
  lagSeconds,
}: FleetLedgerEntry): string {
  const last = lastReceivedAt === null ? 'nothing yet' : `last ${lastReceivedAt}`;
  const lag = lagSeconds === null ? '' : `, lag ${lagSeconds.toFixed(1)} s`;
  const refused = quarantined.length === 0 ? '' : `quarantined ${formatRanges(quarantined)}  `;
  return (
    `  ${stream.padEnd(11)} boot ${bootId.slice(0, 8)}  stored ${formatRanges(stored)}  ${refused}` +
    `declared ${formatRanges(declared)}  holes ${formatRanges(holes)}  ${last}${lag}`
  );
}

/** The ledger for people: a line for each stream and boot, under its detector. */
export function describeLedger({
  entries,
  undeclaredHoles,
  messagesSince,
  quarantined,
}: FleetLedger): string {
  const lines: string[] = [];
  let detector = '';
  for (const entry of entries) {
    const name = `${entry.site}/${entry.robot}/${entry.node}`;
    if (name !== detector) lines.push(name);
    detector = name;
    lines.push(lineOf(entry));
  }
  if (messagesSince !== null) lines.push(`messages received before ${messagesSince} were dropped by age`);
  const reasons = Object.entries(quarantined).map(([reason, count]) => `${reason} ${count}`);
  if (reasons.length > 0) lines.push(`in quarantine: ${reasons.join(', ')}`);
  lines.push(
    undeclaredHoles === 0
      ? 'no undeclared holes: everything produced is stored, in quarantine, or declared lost'
      : `${undeclaredHoles} undeclared: on their way, or lost`,
  );
  return lines.join('\n');
}
