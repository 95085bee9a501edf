import { writeFile } from 'node:fs/promises';
import { outputError } from './outputs.ts';

/**
 * Writes a secret to a new file that only its owner can read. One that exists is left alone: its permissions, and who
 * has it open, are not known.
 * @throws GoshawkError GOSHAWK_OUTPUT_REFUSED, GOSHAWK_NO_SPACE
 */
export async function writeSecret(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    throw outputError(file, error);
  }
}
