import { parseJson } from '../../../contract/json.ts';
import {
  inspectLedgerSchema,
  inspectLinkSchema,
  type TelemetryLedger,
  type TelemetryReport,
} from '../../../contract/telemetry/ledger.ts';
import type { FoundOutbox } from './find-outbox.ts';
import { askProcess } from './inspect-client.ts';
import { ledgerRows } from './ledger-rows.ts';
import { readOutbox } from './read-outbox.ts';
import { whyItWaits } from './words.ts';

/** The ledger of an outbox: of the process that has it open, or of the disk if none answers. */
export async function ledgerOf(outbox: FoundOutbox): Promise<TelemetryLedger> {
  const answer = inspectLedgerSchema.safeParse(await answerOf(outbox.folder, 'ledger')).data;
  const schema = 'goshawk.report.telemetry-ledger/1' as const;
  if (answer !== undefined) return { schema, ...outbox, from: 'process', rows: answer.rows };
  return { schema, ...outbox, from: 'disk', rows: ledgerRows(await readOutbox(outbox.folder)) };
}

/** How the telemetry of a detector is doing, and why messages wait. */
export async function reportOf(outbox: FoundOutbox): Promise<TelemetryReport> {
  const link = inspectLinkSchema.safeParse(await answerOf(outbox.folder, 'link')).data?.link ?? null;
  const { from, rows } = await ledgerOf(outbox);
  const waiting = rows.reduce((sum, row) => sum + row.messages, 0);
  const ages = rows.flatMap(({ oldestSeconds }) => (oldestSeconds === null ? [] : [oldestSeconds]));
  return {
    schema: 'goshawk.report.telemetry-status/1',
    ...outbox,
    from,
    link,
    waiting,
    waitingBytes: rows.reduce((sum, row) => sum + row.waitingBytes, 0),
    oldestSeconds: ages.length === 0 ? null : Math.max(...ages),
    why: whyItWaits(link, waiting),
  };
}

async function answerOf(folder: string, ask: 'ledger' | 'link'): Promise<unknown> {
  for await (const line of askProcess(folder, ask)) return parseJson(line);
  return undefined;
}
