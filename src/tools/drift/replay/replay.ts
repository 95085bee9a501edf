import type { DriftReplayReport, ReplayedRecording } from '../../../contract/drift/replay.ts';
import type { Host } from '../../../contract/report.ts';
import { openDriftReference } from '../../../device/drift/open-reference.ts';
import { replayRecording } from './replay-recording.ts';
import { worstOf, type ReplaySettings } from './replay-session.ts';

export interface ReplayOptions extends Omit<ReplaySettings, 'runs'> {
  readonly recordings: readonly string[];
  /** image topic; empty for one in color */
  readonly topic: string;
  readonly host: Host;
  readonly onRecording: (recording: ReplayedRecording) => void;
}

/**
 * Plays recordings one after the other as fast as this machine can, each as a session of its own.
 * @throws GoshawkError for a bundle or a reference that cannot be used, and the reason of the signal
 */
export async function runReplay(options: ReplayOptions): Promise<DriftReplayReport> {
  const { bundle, host, falseAlarmsPerWeek, windowSeconds } = options;
  const startedAt = new Date();
  const open = options.reference === '' ? null : (await openDriftReference(options.reference)).reference;
  // a robot for which the reference was made runs as it says; one of another bundle applies to nothing here
  const runs = open?.bundle.digest === bundle.digest ? open.settings : null;
  const recordings: ReplayedRecording[] = [];
  for (const file of options.recordings) {
    const recording = await replayRecording(file, options.topic, { ...options, runs });
    options.onRecording(recording);
    recordings.push(recording);
  }
  return {
    schema: 'goshawk.report.drift-replay/1',
    startedAt: startedAt.toISOString(),
    host,
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    bundle: { name: bundle.manifest.name, version: bundle.manifest.version, digest: bundle.digest },
    reference:
      open === null ? null : { file: options.reference, contexts: open.contexts.map(({ name }) => name) },
    falseAlarmsPerWeek,
    windowSeconds,
    recordings,
    worst: worstOf(recordings.map(({ worst }) => worst)),
  };
}
