import type { z } from 'zod';
import { GoshawkError } from '../../contract/errors.ts';
import { clipSchema } from '../../contract/clips.ts';
import type { clipParamsSchema, RobotClips } from '../../contract/fleet/clips.ts';
import type { HttpAnswer, HttpRoute } from '../../platform/http/route.ts';
import { authorOf } from '../access/access.ts';
import type { AccessGate } from '../access/access-gate.ts';
import type { ClipFetcher } from '../clips/clip-fetcher.ts';
import type { Downloads } from '../clips/downloads.ts';
import { noteChange } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import { readClips, type OfferedClip } from '../store/read-clips.ts';
import { sendClip } from './clip-file.ts';
import { operationRoute } from './operation.ts';
import { refusal, refuseUnknown } from './refusal.ts';

/** Clips that robots offered, fetching them, and downloading those that were fetched. */
export function clipRoutes(
  database: Database,
  fetcher: ClipFetcher,
  downloads: Downloads,
  gate: AccessGate,
): readonly HttpRoute[] {
  const { access } = gate;
  return [
    operationRoute(gate, 'GET /api/v1/robots/{site}/{robot}/clips', async ({ params, query }) => {
      const offered = await readClips(database, params, query);
      if (offered === null) return refuseUnknown(params.robot);
      const clips = await Promise.all(
        offered.map(async ({ sender, offeredAt, clip }) => ({
          node: sender.node,
          offeredAt: offeredAt.toISOString(),
          clip: clipSchema.parse(clip),
          transfer: await fetcher.transferOf(sender, clip),
        })),
      );
      const body: RobotClips = { schema: 'goshawk.fleet-clips/1', clips };
      return { body, cache: 'no-store' };
    }),
    operationRoute(gate, 'POST /api/v1/robots/{site}/{robot}/clips/{clip}/fetch', (asked) =>
      withOffered(database, asked.params, async ({ sender, clip }) => {
        const { params, body, caller } = asked;
        const { removed, ...transfer } = await fetcher.fetch(sender, clip, body.putUrl);
        const host = body.putUrl === undefined ? null : new URL(body.putUrl).host;
        const target = `${params.site}/${params.robot}`;
        const after = { node: sender.node, clip: clip.clip, putAt: host, removed };
        await database.transaction((session) =>
          noteChange(session, authorOf(caller), { action: 'clip.fetch', target, before: null, after }),
        );
        return { body: transfer, cache: 'no-store' };
      }),
    ),
    operationRoute(gate, 'GET /api/v1/robots/{site}/{robot}/clips/{clip}/file', (asked) =>
      withOffered(database, asked.params, (offered) =>
        sendClip(asked, offered, { database, fetcher, downloads, access }),
      ),
    ),
  ];
}

/** The answer of `work` on the clip that a path names, as it was offered last; or why there is none. */
async function withOffered(
  database: Database,
  params: z.infer<typeof clipParamsSchema>,
  work: (offered: OfferedClip) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const offered = await readClips(database, params, { limit: 1, clip: params.clip });
  if (offered === null) return refuseUnknown(params.robot);
  const [found] = offered;
  if (found === undefined)
    return refusal(404, new GoshawkError('GOSHAWK_CLIP_UNKNOWN', { clip: params.clip }));
  try {
    return await work({ ...found, clip: clipSchema.parse(found.clip) });
  } catch (error) {
    if (error instanceof GoshawkError && CONFLICTS.has(error.code)) return refusal(409, error);
    throw error;
  }
}

const CONFLICTS: ReadonlySet<string> = new Set([
  'GOSHAWK_CLIPS_OFF',
  'GOSHAWK_CLIP_NOT_SENT',
  'GOSHAWK_CLIP_NOT_HERE',
  'GOSHAWK_CLIPS_FULL',
]);
