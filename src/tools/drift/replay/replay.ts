import type { DriftReplayReport, ReplayedRecording } from '../../../contract/drift/replay.ts';
import type { Host } from '../../../contract/report.ts';
import { openDriftReference } from '../../../device/drift/open-reference.ts';
import { replayRecording } from './replay-recording.ts';
import { worstOf, type ReplaySettings } from './replay-session.ts';

export interface ReplayOptions extends ReplaySettings {
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
  const reference = await referenceOf(options.reference);
  const recordings: ReplayedRecording[] = [];
  for (const file of options.recordings) {
    const recording = await replayRecording(file, options.topic, options);
    options.onRecording(recording);
    recordings.push(recording);
  }
  return {
    schema: 'goshawk.report.drift-replay/1',
    startedAt: startedAt.toISOString(),
    host,
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    bundle: { name: bundle.manifest.name, version: bundle.manifest.version, digest: bundle.digest },
    reference,
    falseAlarmsPerWeek,
    windowSeconds,
    recordings,
    worst: worstOf(recordings.map(({ worst }) => worst)),
  };
}

async function referenceOf(file: string): Promise<DriftReplayReport['reference']> {
  if (file === '') return null;
  const { reference } = await openDriftReference(file);
  return { file, contexts: reference.contexts.map(({ name }) => name) };
}
