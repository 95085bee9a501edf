import { InvalidArgumentError, type Command } from 'commander';
import { GoshawkError, describeError } from '../contract/errors.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { openDriftReference, type OpenReference } from '../device/drift/open-reference.ts';
import { listUsableProviders } from '../device/inference/providers.ts';
import { describeHost } from '../platform/describe-host.ts';
import { checkOutputFiles, writeOutput } from '../platform/outputs.ts';
import { readRegularFile } from '../platform/regular-file.ts';
import { findRecordings } from '../tools/recordings/find-recordings.ts';
import { runReplay } from '../tools/drift/replay/replay.ts';
import {
  between,
  historyOfReplay,
  readDriftHistory,
  type DriftHistory,
} from '../tools/drift/report/history.ts';
import { repeated } from './kit/options.ts';
import { untilStopped } from './kit/stop-signal.ts';

/** A month of windows of a minute from several cameras. */
const MAX_BYTES = 256 << 20;

interface ReportFlags {
  readonly windows?: string;
  readonly recording?: readonly string[];
  readonly robot?: string;
  readonly from?: number;
  readonly to?: number;
  readonly bundle: string;
  readonly reference?: string;
  readonly html: string;
}

async function report(flags: ReportFlags): Promise<void> {
  const { windows, recording, html, from = -Infinity, to = Infinity } = flags;
  await checkOutputFiles(html);
  if ((windows === undefined) === (recording === undefined))
    throw new GoshawkError('GOSHAWK_USAGE', { reason: 'pass either --windows or --recording' });
  const reference = flags.reference === undefined ? null : await openDriftReference(flags.reference);
  const read =
    windows === undefined
      ? await replayed(recording ?? [], flags.bundle, reference)
      : readDriftHistory(windows, await textOf(windows), flags.robot);
  const { renderDriftPage } = await import('../tools/drift/report/page.ts');
  const source = windows ?? (recording ?? []).join(', ');
  const history = between(read, from, to);
  await writeOutput(html, renderDriftPage({ source, history, reference }));
  console.log(`${html}: ${history.windows.length} windows, ${history.changes.length} changes of state`);
}

async function textOf(file: string): Promise<string> {
  try {
    return new TextDecoder().decode(await readRegularFile(file, MAX_BYTES));
  } catch (error) {
    const details = { file, reason: describeError(error) };
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', details, { cause: error });
  }
}

async function replayed(
  paths: readonly string[],
  bundle: string,
  reference: OpenReference | null,
): Promise<DriftHistory> {
  const say = (line: string): void => console.error(`drift report: ${line}`);
  const recordings = await findRecordings(paths);
  const opened = await openBundle(bundle, say);
  const result = await untilStopped('drift report', ({ signal }) =>
    runReplay({
      recordings,
      topic: '',
      host: describeHost(listUsableProviders()),
      bundle: opened,
      reference: reference?.file ?? '',
      falseAlarmsPerWeek: 1,
      windowSeconds: 10,
      camera: reference?.reference.camera ?? 'camera',
      preprocess: 'auto',
      say,
      signal,
      onRecording: ({ file, outcome }) => say(`${file}: ${outcome}`),
    }),
  );
  return historyOfReplay(result);
}

/** Milliseconds since the epoch of an instant in ISO 8601. */
function instant(text: string): number {
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError('It must be an instant such as 2026-11-26T18:00:00Z.');
}

/** Adds `goshawk drift report`. */
export function registerDriftReport(drift: Command): void {
  drift
    .command('report')
    .description('what cameras showed in a period, as a page (docs/drift.md)')
    .option(
      '--windows <file>',
      'drift windows: from "telemetry tail --stream drift", from the fleet (/api/v1/robots/SITE/ROBOT/drift), or a ' +
        'report of "drift replay"',
    )
    .option('--recording <file|folder>', 'replay this instead; repeatable', repeated)
    .option('--robot <name>', 'whose windows, if the file has those of several')
    .option('--from <instant>', 'leave out windows before it', instant)
    .option('--to <instant>', 'leave out windows after it', instant)
    .option('--bundle <name|path>', 'the model that looks at recordings', 'goshawk-street')
    .option('--reference <file>', 'compare with it, and judge recordings by it')
    .requiredOption('--html <file>', 'the page to write')
    .action(report);
}
