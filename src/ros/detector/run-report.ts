import { writeFile } from 'node:fs/promises';
import { makeRunReport } from '../../device/service/run-report.ts';
import type { DetectorSession } from './session.ts';

/** Writes a session as a run report. Rates are means over the time in which it took frames. */
export async function writeRunReport(file: string, session: DetectorSession): Promise<void> {
  const { bundle, startedAt, activeSeconds } = session;
  const report = makeRunReport({ snapshot: session.pipeline.snapshot(), bundle, startedAt, activeSeconds });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
