import { z } from 'zod';
import { fleetLedgerSchema } from '../fleet-ledger.ts';
import { bundleReferenceSchema, tagsSchema } from '../telemetry/shapes.ts';
import { topicLevelSchema } from '../telemetry/speaker.ts';

/** Robots on a page of the list. */
const MAX_PAGE = 1_000;
const MAX_HISTORY_HOURS = 24;

/**
 * - `online`: connected, and something of it came lately
 * - `hibernating`: connected, and by intention it takes no frames
 * - `silent`: it did not take its leave, and nothing of it came lately
 * - `offline`: it took its leave, or its connection broke
 */
export const livenessSchema = z.enum(['online', 'hibernating', 'silent', 'offline']);

/** Percentiles of the merged histograms of frames, milliseconds. */
const latencySchema = z.strictObject({
  count: z.int().min(0),
  p50: z.number().min(0),
  p90: z.number().min(0),
  p99: z.number().min(0),
});

const fpsSchema = z.strictObject({ in: z.number().min(0), out: z.number().min(0) });
const dropsSchema = z.record(z.string(), z.int().min(0));

/** How the ledger of a robot stands: numbers of messages. */
const ledgerHealthSchema = z.strictObject({
  stored: z.int().min(0),
  declared: z.int().min(0),
  /** neither stored nor declared lost */
  holes: z.int().min(0),
});

const robotSchema = z.strictObject({
  site: topicLevelSchema,
  robot: topicLevelSchema,
  /** its detectors; numbers below are sums over them */
  nodes: z.array(topicLevelSchema),
  liveness: livenessSchema,
  /** by the fleet's clock */
  lastMessageAt: z.iso.datetime().nullable(),
  /** of the last minute; null if no window came lately */
  fps: fpsSchema.nullable(),
  latencyMs: latencySchema.nullable(),
  drops: dropsSchema,
  bundle: bundleReferenceSchema.nullable(),
  ledger: ledgerHealthSchema,
  tags: tagsSchema,
});

/** `GET /api/v1/robots` */
export const robotListSchema = z.strictObject({
  generatedAt: z.iso.datetime(),
  /** of all pages */
  total: z.int().min(0),
  offset: z.int().min(0),
  robots: z.array(robotSchema),
});

const historyPointSchema = z.strictObject({
  /** by the robot's clock */
  start: z.iso.datetime(),
  seconds: z.number().min(0),
  received: z.int().min(0),
  published: z.int().min(0),
  drops: dropsSchema,
  latencyMs: latencySchema.nullable(),
});

/** `GET /api/v1/robots/{site}/{robot}` */
export const robotHistorySchema = z.strictObject({
  generatedAt: z.iso.datetime(),
  robot: robotSchema,
  /** of windows of all its detectors, in order of time, with gaps for times without windows */
  history: z.array(historyPointSchema),
});

/** What the list may be asked for. */
export const listQuerySchema = z.object({
  /** part of the site, the name, or a tag as KEY=VALUE */
  search: z.string().max(100).default(''),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  offset: z.coerce.number().int().min(0).max(1e6).default(0),
});

/** What a history may be asked for. */
export const historyQuerySchema = z.object({
  hours: z.coerce.number().gt(0).max(MAX_HISTORY_HOURS).default(1),
  /** how many pieces the time is cut into */
  points: z.coerce.number().int().min(1).max(500).default(120),
});

const robotParamsSchema = z.object({ site: topicLevelSchema, robot: topicLevelSchema });

/** Every path of the API, from which routes and docs/openapi.json follow. */
export const FLEET_PATHS = {
  '/api/v1/robots': {
    summary: 'Robots, by site and name: how they are',
    params: z.object({}),
    query: listQuerySchema,
    answer: robotListSchema,
  },
  '/api/v1/robots/{site}/{robot}': {
    summary: 'One robot, and its history from its windows',
    params: robotParamsSchema,
    query: historyQuerySchema,
    answer: robotHistorySchema,
  },
  '/api/v1/robots/{site}/{robot}/ledger': {
    summary: 'By stream and boot: what is stored, declared lost, or missing',
    params: robotParamsSchema,
    query: z.object({}),
    answer: fleetLedgerSchema,
  },
} as const;

export type Liveness = z.infer<typeof livenessSchema>;
export type RobotList = z.infer<typeof robotListSchema>;
export type RobotSummary = z.infer<typeof robotSchema>;
export type RobotHistory = z.infer<typeof robotHistorySchema>;
export type HistoryPoint = z.infer<typeof historyPointSchema>;
export type MergedLatency = z.infer<typeof latencySchema>;
export type ListQuery = z.infer<typeof listQuerySchema>;
export type HistoryQuery = z.infer<typeof historyQuerySchema>;
