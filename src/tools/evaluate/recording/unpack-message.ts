import { refuse, type Refusal } from '../../../core/refusal.ts';
import { unpackMessage } from '../../../device/recording/zstd.ts';
import { errorText } from '../../../platform/error-text.ts';

/** A message that rosbag2 may have compressed; one that cannot be unpacked is refused. */
export function unpackOrRefuse(
  data: Uint8Array,
): { readonly ok: true; readonly bytes: Uint8Array } | Refusal {
  try {
    return { ok: true, bytes: unpackMessage(data) };
  } catch (error) {
    return refuse('malformed', `the message cannot be unpacked: ${errorText(error)}`);
  }
}
