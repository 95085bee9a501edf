import { GoshawkError } from '../../contract/errors.ts';
import { readRegularFile } from '../regular-file.ts';

/**
 * The text of a file that the operator named, at most `maxBytes`.
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE
 */
export async function readTextFile(file: string, maxBytes: number): Promise<string> {
  try {
    return Buffer.from(await readRegularFile(file, maxBytes)).toString('utf8');
  } catch (error) {
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason: (error as Error).message });
  }
}
