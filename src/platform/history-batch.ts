import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import {
  historySchema,
  MAX_HISTORY_BYTES,
  MAX_PAYLOAD_BYTES,
  type HistoryMessage,
} from '../contract/telemetry/history.ts';
import { parseJson } from '../contract/json.ts';
import { refuse, type Refusal } from '../core/refusal.ts';
import { errorText } from './error-text.ts';

const { ZSTD_c_checksumFlag: CHECKSUM, ZSTD_d_windowLogMax: WINDOW_LOG_MAX } = constants;

/** Memory of a decompressor, as a power of 2: that of the largest batch. */
const MAX_WINDOW_LOG = 22;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The payload of a `history` message. */
export function packHistory(messages: readonly HistoryMessage[]): Buffer {
  return zstdCompressSync(JSON.stringify(messages), { params: { [CHECKSUM]: 1 } });
}

/**
 * The messages in the payload of a `history` message, not checked for the schemas of their streams; a refusal for
 * anything else, such as a bomb. Never throws.
 */
export function readHistory(payload: Uint8Array): readonly HistoryMessage[] | Refusal {
  if (payload.length > MAX_PAYLOAD_BYTES)
    return refuse('bad_size', `the batch has ${payload.length} bytes, ${MAX_PAYLOAD_BYTES} at most`);
  let bytes: Buffer;
  try {
    bytes = zstdDecompressSync(payload, {
      maxOutputLength: MAX_HISTORY_BYTES,
      params: { [WINDOW_LOG_MAX]: MAX_WINDOW_LOG },
    });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    return isTooLarge
      ? refuse('bad_size', `the batch unpacks to more than ${MAX_HISTORY_BYTES} bytes`)
      : refuse('malformed', `the batch is not Zstandard: ${errorText(error)}`);
  }
  try {
    const { data, error } = historySchema.safeParse(parseJson(UTF8.decode(bytes)));
    if (data !== undefined) return data;
    const { path, message } = error.issues[0] ?? { path: [], message: '' };
    return refuse('malformed', `the batch is not a list of messages: ${path.join('.')}: ${message}`);
  } catch (error) {
    return refuse('malformed', `the batch is not JSON: ${errorText(error)}`);
  }
}
