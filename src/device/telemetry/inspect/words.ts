import type { LedgerRow, TelemetryLedger, TelemetryReport } from '../../../contract/telemetry/ledger.ts';

/** Ranges that a line shows of each reason. */
const MAX_SHOWN = 5;

/** Why messages wait, the first reason that applies. */
export function whyItWaits(link: TelemetryReport['link'], waiting: number): string {
  if (link === null)
    return waiting === 0 ? 'no process runs, and nothing waits' : 'no process runs: start the detector';
  if (link.reason !== '') return [link.code, link.reason].filter((part) => part !== null).join(': ');
  if (link.fleet !== null) return `${link.fleet.code}: ${link.fleet.reason}`;
  return waiting === 0 ? 'nothing waits' : 'published, or about to be; the fleet acknowledges what it stores';
}

/** What `goshawk telemetry status` prints. */
export function formatReport({ site, robot, node, folder, link, ...counts }: TelemetryReport): string {
  const oldest = counts.oldestSeconds === null ? '' : `, the oldest for ${seconds(counts.oldestSeconds)}`;
  const state =
    link === null
      ? 'no process runs'
      : link.connected
        ? `connected to ${link.broker ?? ''} by MQTT ${link.protocol ?? ''}`
        : `not connected to ${link.broker ?? 'a broker yet'}`;
  const trouble = link?.outbox ?? null;
  const disk = trouble === null ? folder : `in memory only: ${trouble.code}: ${trouble.reason}`;
  return [
    `detector  ${site}/${robot}/${node}`,
    `link      ${state}`,
    `outbox    ${disk}`,
    `waiting   ${String(counts.waiting)} messages, ${String(counts.waitingBytes)} bytes${oldest}`,
    `why       ${counts.why}`,
  ].join('\n');
}

/** What `goshawk telemetry ledger` prints. */
export function formatLedger({ site, robot, node, from, rows }: TelemetryLedger): string {
  const source = from === 'process' ? 'the running process' : 'the disk, no process runs';
  const lines = [`${site}/${robot}/${node}, from ${source}`];
  let boot = -1;
  for (const row of rows) {
    if (row.bootCount !== boot) lines.push(`boot ${String(row.bootCount)}  ${row.bootId}`);
    boot = row.bootCount;
    lines.push(...formatRow(row));
  }
  if (rows.length === 0) lines.push('nothing was sent yet');
  return lines.join('\n');
}

function formatRow(row: LedgerRow): string[] {
  const declared = Object.values(row.declared).reduce((sum, { count }) => sum + count, 0);
  const oldest = row.oldestSeconds === null ? '' : `, oldest ${seconds(row.oldestSeconds)}`;
  return [
    `  ${row.stream.padEnd(8)} produced ${String(row.produced)} = acknowledged ${String(row.acknowledged)}` +
      ` + declared ${String(declared)} + waiting ${String(row.waiting)}` +
      (row.undeclared.length === 0 ? '' : ` + undeclared ${String(undeclaredIn(row))}`) +
      ` (${String(row.waitingBytes)} bytes${oldest})`,
    ...Object.entries(row.declared).map(
      ([reason, { count, ranges }]) => `             ${reason}: ${String(count)}, ${formatRanges(ranges)}`,
    ),
    ...row.undeclared.map(
      ({ reason, ranges }) => `             the next start declares as ${reason}: ${formatRanges(ranges)}`,
    ),
  ];
}

function undeclaredIn({ undeclared }: LedgerRow): number {
  return undeclared.flatMap(({ ranges }) => ranges).reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

function formatRanges(ranges: readonly (readonly [number, number])[]): string {
  const shown = ranges
    .slice(-MAX_SHOWN)
    .map(([first, last]) => (first === last ? String(first) : `${String(first)}-${String(last)}`));
  return (ranges.length > MAX_SHOWN ? '... ' : '') + shown.join(' ');
}

function seconds(value: number): string {
  return value < 120 ? `${String(Math.round(value))} s` : `${String(Math.round(value / 60))} min`;
}
