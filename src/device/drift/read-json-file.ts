import type { z } from 'zod';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { parseJson } from '../../contract/json.ts';
import { readRegularFile } from '../../platform/regular-file.ts';

/**
 * A JSON file that follows a schema.
 * @param maxBytes larger files are refused @param what it should be, such as `a drift reference`
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID
 */
export async function readJsonFile<T>(
  file: string,
  schema: z.ZodType<T>,
  maxBytes: number,
  what: string,
): Promise<T> {
  const text = await readText(file, maxBytes);
  let content: unknown;
  try {
    content = parseJson(text);
  } catch (error) {
    throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason: describeError(error) }, { cause: error });
  }
  const { data, error } = schema.safeParse(content);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? `it is not ${what}`}`;
  throw new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason });
}

async function readText(file: string, maxBytes: number): Promise<string> {
  try {
    return new TextDecoder().decode(await readRegularFile(file, maxBytes));
  } catch (error) {
    throw new GoshawkError(
      'GOSHAWK_FILE_UNREADABLE',
      { file, reason: describeError(error) },
      { cause: error },
    );
  }
}
