import { checkOutputFiles, writeReport } from '../../platform/outputs.ts';

/**
 * Does the work of a command and writes its result as a report.
 * @param file looked at before the work begins; undefined for no report
 * @param others outputs besides the report, looked at as well
 * @throws GoshawkError GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function withReport<T extends object>(
  file: string | undefined,
  work: () => Promise<T>,
  ...others: readonly (string | undefined)[]
): Promise<T> {
  await checkOutputFiles(file, ...others);
  const report = await work();
  if (file !== undefined) await writeReport(file, report);
  return report;
}

/** Prints what a command found as JSON, for programs. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
