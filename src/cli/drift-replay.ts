import { Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import type { DriftReplayReport, ReplayedRecording } from '../contract/drift/replay.ts';
import { estimateAt } from '../core/drift/window-accuracy.ts';
import { verdictWords, type DriftState } from '../core/drift/window-verdict.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { listUsableProviders } from '../device/inference/providers.ts';
import { describeHost } from '../platform/describe-host.ts';
import { findRecordings } from '../tools/recordings/find-recordings.ts';
import { runReplay } from '../tools/drift/replay/replay.ts';
import { numberFrom, wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

/** Exit code if a recording reached the state of `--fail-on`: neither an error (1) nor wrong usage (2). */
const EXIT_FOUND = 3;

interface ReplayFlags {
  readonly bundle: string;
  readonly reference?: string;
  readonly camera: string;
  readonly topic?: string;
  readonly falseAlarmsPerWeek: number;
  readonly windowS: number;
  readonly preprocess: 'auto' | 'sharp' | 'graph';
  readonly failOn?: 'suspect' | 'drifted';
  readonly report?: string;
}

async function replay(paths: readonly string[], flags: ReplayFlags): Promise<void> {
  const { reference = '', topic = '', failOn } = flags;
  if (failOn !== undefined && reference === '')
    throw new GoshawkError('GOSHAWK_USAGE', { reason: '--fail-on needs a --reference' });
  const report = await withReport(flags.report, async () => {
    const recordings = await findRecordings(paths);
    const say = (line: string): void => console.error(`drift replay: ${line}`);
    const bundle = await openBundle(flags.bundle, say);
    return untilStopped('drift replay', ({ signal }) =>
      runReplay({
        recordings,
        topic,
        host: describeHost(listUsableProviders()),
        bundle,
        reference,
        falseAlarmsPerWeek: flags.falseAlarmsPerWeek,
        windowSeconds: flags.windowS,
        camera: flags.camera,
        preprocess: flags.preprocess,
        say,
        signal,
        onRecording: (recording) => linesOf(recording).forEach((line) => console.log(line)),
      }),
    );
  });
  const exitCode = exitCodeOf(report, failOn);
  if (exitCode !== 0) process.exitCode = exitCode;
}

/** What one recording shows, for a person. */
function linesOf(recording: ReplayedRecording): string[] {
  const { file, outcome, problem, frames, recordedSeconds, windows, changes, worst, notices } = recording;
  const drops = Object.entries(frames.drops).map(([reason, count]) => `${reason} ${count}`);
  const dropped = drops.length === 0 ? '' : ` (dropped: ${drops.join(', ')})`;
  return [
    `${file}: ${outcome}, ${recordedSeconds.toFixed(1)} s, ${frames.published} of ${frames.received} frames` +
      `${dropped}, ${windows.length} windows, worst state: ${worst ?? 'none'}`,
    ...notices.map((notice) => `  ${notice}`),
    ...(problem === null ? [] : [`  ${problem.code}: ${problem.reason}`]),
    ...changes.map(({ at, state, verdict }) => {
      const estimate = estimateAt(
        windows.flatMap(({ cameras }) => cameras),
        at,
      );
      return `  ${at} ${state}: ${verdictWords(verdict, estimate)}`;
    }),
  ];
}

const FOUND: Readonly<Record<'suspect' | 'drifted', readonly (DriftState | null)[]>> = {
  suspect: ['suspect', 'drifted'],
  drifted: ['drifted'],
};

/** A recording without an answer is an error, unless another one already has the state that is looked for. */
function exitCodeOf({ recordings, worst }: DriftReplayReport, failOn: ReplayFlags['failOn']): number {
  if (failOn !== undefined && FOUND[failOn].includes(worst)) return EXIT_FOUND;
  return recordings.some(({ problem }) => problem !== null) ? 1 : 0;
}

/** Adds `goshawk drift replay`. */
export function registerDriftReplay(drift: Command): void {
  drift
    .command('replay')
    .description('what a robot with this bundle and reference would have said to recordings (docs/drift.md)')
    .argument('<file|folder...>', 'recordings of ROS 2; a folder has those in it')
    .option('--bundle <name|path>', 'the model that looks at them', 'goshawk-street')
    .option('--reference <file>', 'made by "goshawk drift reference"; without one there are no verdicts')
    .option('--camera <name>', 'the camera that they are of, for references of one camera', 'camera')
    .option('--topic <name>', 'image topic (default: one in color)')
    .option('--false-alarms-per-week <n>', 'the setting', numberFrom(0.001, 10_000), 1)
    .option('--window-s <n>', 'seconds between windows', wholeFrom(1, 3600), 60)
    .addOption(
      new Option('--preprocess <how>', 'as for "goshawk run"')
        .choices(['auto', 'sharp', 'graph'])
        .default('auto'),
    )
    .addOption(
      new Option('--fail-on <state>', `end with exit code ${EXIT_FOUND} if a recording reaches it`).choices([
        'suspect',
        'drifted',
      ]),
    )
    .option('--report <file>', 'write windows, changes and verdicts as JSON')
    .action(replay);
}
