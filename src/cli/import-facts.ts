import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import { lineageFactsSchema, type LineageFacts } from '../contract/lineage.ts';
import { parseJson } from '../contract/json.ts';
import { accuracyReportSchema } from '../contract/report.ts';
import { readRegularFile } from '../platform/regular-file.ts';

type Evaluation = NonNullable<BundleManifest['evaluation']>[number];

/** A lineage or a report has some kilobytes. */
const MAX_BYTES = 64 * 2 ** 20;

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = new TextDecoder().decode(await readRegularFile(file, MAX_BYTES));
  } catch (cause) {
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: (cause as Error).message }, { cause });
  }
  try {
    return schema.parse(parseJson(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason }, { cause });
  }
}

/** Facts about how a model was made, as `src/contract/lineage.ts` has them. */
export function readLineage(file: string): Promise<LineageFacts> {
  return readJson(file, lineageFactsSchema);
}

/**
 * What a manifest keeps of an accuracy report. The data set is named by its folder and file: paths of a
 * machine say nothing elsewhere.
 */
export async function readEvaluation(file: string): Promise<Evaluation> {
  const { dataset, images, ap, ap50, apByClass, settings, startedAt, host } = await readJson(
    file,
    accuracyReportSchema,
  );
  if (ap === null || ap50 === null) {
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: 'it measured no object' });
  }
  return {
    dataset: join(basename(dirname(dataset.annotations)), basename(dataset.annotations)),
    datasetDigest: dataset.digest,
    images,
    ap,
    ap50,
    apByClass,
    evaluator: 'goshawk evaluate',
    ...(settings === null ? {} : { preprocess: settings.preprocess }),
    measuredAt: startedAt,
    host,
  };
}
