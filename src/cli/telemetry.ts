import { Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { parseJson } from '../contract/json.ts';
import { inspectTailSchema } from '../contract/telemetry/ledger.ts';
import { STORED_STREAMS } from '../contract/telemetry/streams.ts';
import { askProcess } from '../device/telemetry/inspect/inspect-client.ts';
import { findOutbox, type OutboxFilter } from '../device/telemetry/inspect/find-outbox.ts';
import { ledgerOf, reportOf } from '../device/telemetry/inspect/look.ts';
import { formatLedger, formatReport } from '../device/telemetry/inspect/words.ts';
import { printJson } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface Flags extends OutboxFilter {
  readonly json?: true;
}

async function showLedger({ json, ...filter }: Flags): Promise<void> {
  const ledger = await ledgerOf(await findOutbox(filter));
  if (json === true) printJson(ledger);
  else console.log(formatLedger(ledger));
}

async function showStatus({ json, ...filter }: Flags): Promise<void> {
  const report = await reportOf(await findOutbox(filter));
  if (json === true) printJson(report);
  else console.log(formatReport(report));
}

interface TailFlags extends OutboxFilter {
  readonly stream?: string;
}

/** Prints messages as they are made, each on a line of its own, until it is interrupted or the process ends. */
async function tail({ stream, ...filter }: TailFlags): Promise<void> {
  const { folder } = await findOutbox(filter);
  await untilStopped(null, async ({ signal }) => {
    let isAnswered = false;
    for await (const line of askProcess(folder, 'tail', signal)) {
      const { data } = inspectTailSchema.safeParse(parseJson(line));
      if (data === undefined) continue;
      if (!isAnswered && 'skipped' in data && data.skipped === 0) isAnswered = true;
      else if ('skipped' in data) console.error(`${String(data.skipped)} messages were skipped`);
      else if (stream === undefined || data.stream === stream) console.log(`${data.stream} ${data.payload}`);
    }
    if (!isAnswered && !signal.aborted) throw new GoshawkError('GOSHAWK_OUTBOX_SILENT', { folder });
  });
}

/** Adds `goshawk telemetry`. */
export function registerTelemetry(program: Command): void {
  const telemetry = program
    .command('telemetry')
    .description('look at what a detector sends to the fleet, without disturbing it');
  const add = (name: string, description: string): Command =>
    telemetry
      .command(name)
      .description(description)
      .option('--telemetry-outbox <dir>', 'folder in which telemetry waits (default: that of this user)')
      .option('--site <name>', 'only outboxes of this site')
      .option('--robot <name>', 'only outboxes of this robot')
      .option('--node <name>', 'only outboxes of this detector, such as /goshawk/detector or run');
  add('status', 'the link to the broker, what waits for the fleet, and why')
    .option('--json', 'print it as JSON')
    .action(showStatus);
  add('ledger', 'by stream and boot: produced, acknowledged, declared as lost, waiting')
    .option('--json', 'print it as JSON')
    .action(showLedger);
  add('tail', 'print messages as they are made')
    .addOption(new Option('--stream <name>', 'only those of this stream').choices(STORED_STREAMS))
    .action(tail);
}
