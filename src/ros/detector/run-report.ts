import { writeReport } from '../../device/outputs.ts';
import { makeRunReport } from '../../device/service/run-report.ts';
import type { DetectorSession } from './session.ts';

/** Writes a session as a run report. Rates are means over the time in which it took frames. */
export async function writeRunReport(file: string, session: DetectorSession): Promise<void> {
  const { bundle, startedAt, activeSeconds } = session;
  const report = makeRunReport({ snapshot: session.pipeline.snapshot(), bundle, startedAt, activeSeconds });
  await writeReport(file, report);
}
