import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import { lineageFactsSchema, type LineageFacts } from '../contract/lineage.ts';
import { parseJson } from '../contract/json.ts';
import { accuracyReportSchema } from '../contract/report.ts';
import { readRegularFile } from '../platform/regular-file.ts';

type Evaluation = NonNullable<BundleManifest['evaluation']>[number];

/** A lineage or a report has a few kilobytes. */
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

/** Reads facts about how a model was made, in the form of `src/contract/lineage.ts`. */
export function readLineage(file: string): Promise<LineageFacts> {
  return readJson(file, lineageFactsSchema);
}

/**
 * What a manifest keeps of an accuracy report. The data set is identified by its folder and file name: absolute paths
 * mean nothing on another machine.
 */
export async function readEvaluation(file: string): Promise<Evaluation> {
  const { dataset, images, ap, ap50, apByClass, settings, startedAt, host } = await readJson(
    file,
    accuracyReportSchema,
  );
  if (ap === null || ap50 === null) {
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: 'it evaluated no objects' });
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
