import type { StreamPayload } from '../../contract/telemetry/payloads.ts';
import type { StoredStream, StreamBody } from '../../contract/telemetry/streams.ts';
import type { LatestNews } from '../store/latest-rows.ts';
import { recentOf } from './recent.ts';

const MAX_CAMERAS = 64;

/**
 * What a message says of how its detector is now; null for streams that say nothing of it. It is taken from the message
 * when that is checked, since reading the payload once more would take longer than all of this.
 * @param receivedMs when it was received, ms since the epoch
 */
export function newsOf(
  stream: string,
  body: StreamPayload<StoredStream>,
  receivedMs: number,
): LatestNews | null {
  if (stream === 'state') return { state: stateOf(body as StreamPayload<'state'>) };
  if (stream !== 'metrics') return null;
  const id = `${body.bootId}/${body.headerId}`;
  return { window: recentOf(body as StreamPayload<'metrics'>, { id, atMs: receivedMs }) };
}

function stateOf({ lifecycle, bundle, cameras, tags }: StreamBody<'state'>): object {
  const silences = cameras
    .slice(0, MAX_CAMERAS)
    .map(({ camera, silentSeconds }) => ({ camera, silentSeconds }));
  return { lifecycle, bundle, cameras: silences, tags };
}
