import { z } from 'zod';
import { loginSchema, sessionSchema, type Role } from './access.ts';
import { robotParamsSchema } from './api.ts';
import { auditQuerySchema, auditSchema } from './audit.ts';
import {
  CLIP_MEDIA_TYPE,
  clipFetchSchema,
  clipParamsSchema,
  clipsQuerySchema,
  clipTransferSchema,
  robotClipsSchema,
} from './clips.ts';
import { robotSettingsSchema, settingsChangeSchema } from './robot-settings.ts';

const nothing = z.object({});

/** What went with a robot that was deleted. */
export const deletedRobotSchema = z.strictObject({
  nodes: z.array(z.string()),
  messages: z.int().min(0),
  lastMessageAt: z.iso.datetime().nullable(),
});

/** How a failure can be told from others of the same operation. */
export const FAILURES = {
  400: 'a parameter or the body is not valid',
  401: 'there is no token, or it is not valid',
  403: 'the role of the token does not allow it, or the request comes from a page of another server',
  404: 'the fleet has received nothing from such a robot',
  409: 'the state of the robot, or of its clip, does not allow it',
  412: 'somebody changed it meanwhile: read it again',
  413: 'the body has more than 8 KiB',
  414: 'a level of the path is too long',
  415: 'the body is not JSON',
  416: 'the file has no byte in that range',
  428: 'If-Match with the ETag that was read is missing',
  429: 'too many requests, or too many wrong tokens: Retry-After says when to try again',
  500: 'something failed; if it is the database, it is worth another try',
  503:
    'all places for streams, for downloads, or for questions of this kind, are taken: Retry-After says when to try ' +
    'again',
} as const;

export type FailureStatus = keyof typeof FAILURES;

/** Failures of all operations that need a role. */
export const COMMON_FAILURES = [400, 401, 403, 429, 500] as const satisfies readonly FailureStatus[];

/** What is needed to document an operation, and to check its requests. */
export interface FleetOperation {
  readonly summary: string;
  /** null: for everybody */
  readonly role: Role | null;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject | null;
  /** null: not JSON, but of a `type` */
  readonly answer: z.ZodType | null;
  readonly type?: string;
  /** whether that is a file: bytes, of which a client may ask for a part */
  readonly isFile?: boolean;
  /** whether the answer has an ETag */
  readonly hasEtag?: boolean;
  /** besides those that all have */
  readonly failures: readonly FailureStatus[];
  /** headers that a client may or must send */
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly required: boolean }>>;
  /** a body that is accepted */
  readonly example?: object;
}

/** Operations of the API besides those that read robots (`FLEET_PATHS`). */
export const FLEET_OPERATIONS = {
  'GET /api/v1/robots/{site}/{robot}/settings': {
    summary: 'What operators keep about a robot; its ETag is needed for a change',
    role: 'viewer',
    params: robotParamsSchema,
    query: nothing,
    body: null,
    answer: robotSettingsSchema,
    hasEtag: true,
    failures: [404],
  },
  'PATCH /api/v1/robots/{site}/{robot}/settings': {
    summary: 'Change it by a JSON Merge Patch: what is absent stays, a label that is null goes',
    role: 'operator',
    params: robotParamsSchema,
    query: nothing,
    body: settingsChangeSchema,
    answer: robotSettingsSchema,
    hasEtag: true,
    failures: [404, 412, 428],
    headers: {
      'If-Match': { description: 'the ETag that was read, or * for whatever it is now', required: true },
    },
    example: { note: 'lens cleaned', labels: { crew: 'north' }, mutedUntil: '2026-12-01T06:00:00.000Z' },
  },
  'DELETE /api/v1/robots/{site}/{robot}': {
    summary: 'Delete all that the fleet has of a retired robot; only if it was quiet for an hour',
    role: 'operator',
    params: robotParamsSchema,
    query: nothing,
    body: null,
    answer: deletedRobotSchema,
    failures: [404, 409],
  },
  'GET /api/v1/robots/{site}/{robot}/clips': {
    summary: 'Clips that the robot offered, the newest first, and what the fleet has of them',
    role: 'viewer',
    params: robotParamsSchema,
    query: clipsQuerySchema,
    body: null,
    answer: robotClipsSchema,
    failures: [404],
  },
  'POST /api/v1/robots/{site}/{robot}/clips/{clip}/fetch': {
    summary:
      'Have the robot send a clip to the folder of the fleet, or PUT it at a URL; goes on where it was',
    role: 'operator',
    params: clipParamsSchema,
    query: nothing,
    body: clipFetchSchema,
    answer: clipTransferSchema,
    failures: [404, 409],
    example: {},
  },
  'GET /api/v1/robots/{site}/{robot}/clips/{clip}/file': {
    summary:
      'The file of a clip that was fetched, an MCAP recording, or a range of it; its ETag is the SHA-256 that the ' +
      'robot offered',
    role: 'operator',
    params: clipParamsSchema,
    query: nothing,
    body: null,
    answer: null,
    type: CLIP_MEDIA_TYPE,
    isFile: true,
    hasEtag: true,
    failures: [404, 409, 416, 503],
    headers: {
      Range: {
        description: 'one range of bytes, such as bytes=1000-; several get the whole file',
        required: false,
      },
      'If-Range': {
        description: 'the ETag of what is here already: of another file, all of it comes',
        required: false,
      },
      'If-None-Match': { description: 'ETags of files that are here already', required: false },
    },
  },
  'GET /api/v1/audit': {
    summary: 'Changes, the newest first: who, when, what, from where, before and after',
    role: 'operator',
    params: nothing,
    query: auditQuerySchema,
    body: null,
    answer: auditSchema,
    failures: [],
  },
  'GET /api/v1/live': {
    summary:
      'A stream of server-sent events named "robots", one a second at most: robots of which something new ' +
      'can be read (schema LiveEvent)',
    role: 'viewer',
    params: nothing,
    query: nothing,
    body: null,
    answer: null,
    type: 'text/event-stream',
    failures: [503],
    headers: {
      'Last-Event-ID': { description: 'of the last event that was received, to miss none', required: false },
    },
  },
  'GET /metrics': {
    summary: 'Metrics of this process in the Prometheus text format',
    role: 'viewer',
    params: nothing,
    query: nothing,
    body: null,
    answer: null,
    type: 'text/plain',
    failures: [],
  },
  'GET /api/v1/session': {
    summary: 'Who asks',
    role: 'viewer',
    params: nothing,
    query: nothing,
    body: null,
    answer: sessionSchema,
    failures: [],
  },
  'POST /api/v1/session': {
    summary: 'Log in: the browser gets the token as a cookie that scripts cannot read',
    role: null,
    params: nothing,
    query: nothing,
    body: loginSchema,
    answer: sessionSchema,
    failures: [],
    example: { token: `gsh_0123456789ab_${'A'.repeat(43)}` },
  },
  'DELETE /api/v1/session': {
    summary: 'Log out: takes the cookie away',
    role: null,
    params: nothing,
    query: nothing,
    body: null,
    answer: z.strictObject({}),
    failures: [],
  },
} as const satisfies Readonly<Record<string, FleetOperation>>;

export type OperationName = keyof typeof FLEET_OPERATIONS;
