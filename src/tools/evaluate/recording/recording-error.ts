import { tmpdir } from 'node:os';
import { GoshawkError } from '../../../contract/errors.ts';
import { errorText } from '../../../platform/error-text.ts';
import { isNoRoom, outputError } from '../../../platform/outputs.ts';

/** A recording that has nothing to evaluate, or whose format is not readable. */
export function unusable(file: string, reason: string, cause?: unknown): GoshawkError {
  return new GoshawkError('GOSHAWK_RECORDING_UNUSABLE', { file, reason }, { cause });
}

/**
 * Work on a recording. What the system throws gets a code: a full disk is that of temporary files, since a recording
 * that is compressed as a whole is unpacked there.
 * @throws GoshawkError GOSHAWK_RECORDING_UNUSABLE, GOSHAWK_FILE_UNREADABLE, GOSHAWK_NO_SPACE
 */
export async function inRecording<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw recordingError(file, error);
  }
}

function recordingError(file: string, error: unknown): GoshawkError {
  if (error instanceof GoshawkError) return error;
  const [system] = [error, error instanceof Error ? error.cause : undefined].filter(isSystemError);
  const reason = errorText(error);
  if (system === undefined) return unusable(file, reason, error);
  if (isNoRoom(system)) return outputError(tmpdir(), system);
  return new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason }, { cause: error });
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'errno' in error && 'code' in error && typeof error.code === 'string';
}
