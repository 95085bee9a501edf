import { writeReport } from '../../platform/outputs.ts';
import { makeRunReport } from '../../device/runtime/run-report.ts';
import type { DetectorSession } from './session.ts';

/** Writes a session as a run report. */
export async function writeRunReport(file: string, session: DetectorSession): Promise<void> {
  const { bundle, startedAt, pipeline } = session;
  const report = makeRunReport({ snapshot: pipeline.snapshot(), bundle, startedAt });
  await writeReport(file, report);
}
