import { accuracySamplesSchema, type AccuracySamples } from '../../../contract/accuracy-samples.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { readJsonFile } from '../../../device/drift/read-json-file.ts';
import { writeOutput } from '../../../platform/outputs.ts';

const MAX_BYTES = 256 << 20;

/** @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID */
export function readSamples(file: string): Promise<AccuracySamples> {
  return readJsonFile(file, accuracySamplesSchema, MAX_BYTES, 'a file of samples');
}

export function writeSamples(file: string, samples: AccuracySamples): Promise<void> {
  return writeOutput(file, `${JSON.stringify(samples)}\n`);
}

/**
 * What an interrupted run left in a file; nothing if there is no such file.
 * @param expected of what the run is
 * @throws GoshawkError GOSHAWK_FILE_INVALID if it is of another bundle, table or source
 */
export async function resumeSamples(file: string, expected: AccuracySamples): Promise<AccuracySamples> {
  const found = await readSamples(file).catch((error: unknown) => {
    if (error instanceof GoshawkError && (error.cause as { code?: unknown } | undefined)?.code === 'ENOENT')
      return expected;
    throw error;
  });
  const key = ({ bundle, source, digest, seed, strengths, table }: AccuracySamples): string =>
    [bundle.digest, source, digest, seed, strengths, table].join(' ');
  if (key(found) === key(expected)) return found;
  const reason =
    'its samples are of another bundle, table of features, source of pictures, seed or strengths';
  throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason });
}
