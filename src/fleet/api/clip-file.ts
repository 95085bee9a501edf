import { Readable } from 'node:stream';
import { GoshawkError } from '../../contract/errors.ts';
import { CLIP_MEDIA_TYPE } from '../../contract/fleet/clips.ts';
import { planFile } from '../../platform/http/file-request.ts';
import type { HttpAnswer } from '../../platform/http/route.ts';
import { authorOf, type Access } from '../access/access.ts';
import type { ClipFetcher } from '../clips/clip-fetcher.ts';
import type { Downloads } from '../clips/downloads.ts';
import { noteChange } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import type { OfferedClip } from '../store/read-clips.ts';
import type { OperationRequest } from './operation.ts';
import { refusal } from './refusal.ts';

/** What sending a clip needs. */
export interface ClipSources {
  readonly database: Database;
  readonly fetcher: Pick<ClipFetcher, 'open'>;
  readonly downloads: Downloads;
  readonly access: Pick<Access, 'isStillAllowed'>;
}

type FileRequest = OperationRequest<'GET /api/v1/robots/{site}/{robot}/clips/{clip}/file'>;

const RETRY_SECONDS = 30;

/**
 * The file of a clip that was fetched, or a part of it; who took it is in the audit before the first byte leaves.
 * @throws as `ClipFetcher.open` and `Database.transaction` do
 */
export async function sendClip(
  { params, headers, caller, isHead }: FileRequest,
  { sender, clip: { clip, bytes, sha256 } }: OfferedClip,
  { database, fetcher, downloads, access }: ClipSources,
): Promise<HttpAnswer> {
  const file = await fetcher.open(sender, { clip, bytes });
  // parts are defined for GET alone
  const plan = planFile(isHead ? { ...headers, range: undefined } : headers, { bytes, etag: `"${sha256}"` });
  const shared = { status: plan.status, type: CLIP_MEDIA_TYPE, cache: 'no-store' } as const;
  const answerHeaders = {
    ...plan.headers,
    'content-disposition': `attachment; filename="${clip}.mcap"`,
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
  };
  const who = {
    key: caller.token?.id ?? caller.address,
    isAllowed: () => access.isStillAllowed(caller),
  };
  if (isHead || plan.range === null) {
    await file.close();
    if (plan.status === 416) return { ...refuseRange(clip, bytes), headers: plan.headers };
    if (isHead && !downloads.hasRoom(who.key)) return refuseDownload();
    return { ...shared, headers: answerHeaders, body: Readable.from([]) };
  }
  const { start, length } = plan.range;
  const part = await downloads.begin(file, plan.range, who, () =>
    database.transaction((session) =>
      noteChange(session, authorOf(caller), {
        action: 'clip.download',
        target: `${params.site}/${params.robot}`,
        before: null,
        after: { node: sender.node, clip, from: start, bytes: length },
      }),
    ),
  );
  return part === null ? refuseDownload() : { ...shared, headers: answerHeaders, body: part };
}

function refuseRange(clip: string, bytes: number): HttpAnswer {
  return refusal(416, new GoshawkError('GOSHAWK_RANGE_REFUSED', { clip, bytes }));
}

function refuseDownload(): HttpAnswer {
  const error = new GoshawkError('GOSHAWK_DOWNLOADS_TAKEN', { seconds: RETRY_SECONDS });
  return { ...refusal(503, error), headers: { 'retry-after': String(RETRY_SECONDS) } };
}
