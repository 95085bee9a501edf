import { checkOutputFiles, writeReport } from '../../platform/outputs.ts';

/**
 * Does the work of a command and writes its result as a report.
 * @param file checked before the work starts; undefined for no report
 * @param others outputs besides the report, checked as well
 * @throws GoshawkError GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function withReport<T extends object>(
  file: string | undefined,
  work: () => Promise<T>,
  ...others: readonly (string | undefined)[]
): Promise<T> {
  const { report } = await withOutcome(file, async () => ({ report: await work() }), ...others);
  return report;
}

/** The same for work that has more to show than its report. */
export async function withOutcome<T extends { readonly report: object }>(
  file: string | undefined,
  work: () => Promise<T>,
  ...others: readonly (string | undefined)[]
): Promise<T> {
  await checkOutputFiles(file, ...others);
  const outcome = await work();
  if (file !== undefined) await writeReport(file, outcome.report);
  return outcome;
}

/** Prints a command's result as JSON. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
