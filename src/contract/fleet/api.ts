import { z } from 'zod';
import { fleetLedgerSchema } from '../fleet-ledger.ts';
import { bundleReferenceSchema, tagsSchema } from '../telemetry/shapes.ts';
import { TROUBLE_KINDS } from '../../core/trouble/trouble.ts';
import { topicLevelSchema } from '../telemetry/speaker.ts';
import {
  driftQuerySchema,
  mergedDriftSchema,
  robotDriftQuerySchema,
  robotDriftSchema,
  triageQuerySchema,
  triageSchema,
} from './drift.ts';
import { robotSettingsSchema } from './robot-settings.ts';
import { lineSchema } from './text.ts';

/** Robots on a page of the list. */
const MAX_PAGE = 1_000;
const MAX_HISTORY_HOURS = 2 * 365 * 24;

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
  /** refused, and kept whole until somebody stores or drops them */
  quarantined: z.int().min(0),
  declared: z.int().min(0),
  /** neither stored, nor in quarantine, nor declared lost */
  holes: z.int().min(0),
});

/** What is wrong with a robot. */
const troubleSchema = z.strictObject({
  kind: z.enum(TROUBLE_KINDS),
  /** `bad`: it does not see, or nobody knows; `warn`: it sees badly; `note`: somebody wants it so */
  severity: z.enum(['bad', 'warn', 'note']),
  /** for people */
  text: z.string(),
});

const robotSchema = z.strictObject({
  site: topicLevelSchema,
  robot: topicLevelSchema,
  /** its detectors; numbers below are sums over them */
  nodes: z.array(topicLevelSchema),
  liveness: livenessSchema,
  /** the worst first; empty if nothing is wrong */
  troubles: z.array(troubleSchema),
  /** by the fleet's clock */
  lastMessageAt: z.iso.datetime().nullable(),
  /** of the last minute; null if no window came lately */
  fps: fpsSchema.nullable(),
  latencyMs: latencySchema.nullable(),
  drops: dropsSchema,
  /** of the hottest sensor */
  temperatureCelsius: z.number().nullable(),
  bundle: bundleReferenceSchema.nullable(),
  ledger: ledgerHealthSchema,
  tags: tagsSchema,
  settings: robotSettingsSchema,
});

/** `GET /api/v1/robots` */
export const robotListSchema = z.strictObject({
  generatedAt: z.iso.datetime(),
  /** of all pages */
  total: z.int().min(0),
  offset: z.int().min(0),
  /** all robots, whatever was asked for; in trouble are those with one that is `bad` or `warn` */
  fleet: z.strictObject({ robots: z.int().min(0), online: z.int().min(0), inTrouble: z.int().min(0) }),
  robots: z.array(robotSchema),
});

/** A piece of time by the robot's clock; with a window that was merged over an outage, it is longer than the others. */
const pieceShape = {
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  /** of its windows together */
  seconds: z.number().min(0),
};

const cameraPointSchema = z.strictObject({
  ...pieceShape,
  received: z.int().min(0),
  published: z.int().min(0),
  drops: dropsSchema,
  latencyMs: latencySchema.nullable(),
});

const hostPointSchema = z.strictObject({
  ...pieceShape,
  /**
   * `cpuRatio`, `gpuRatio`, `memoryUsedBytes`, `memoryTotalBytes`, `residentBytes`, `temperatureCelsius`, `powerWatts`
   */
  values: z.record(z.string(), z.strictObject({ min: z.number(), mean: z.number(), max: z.number() })),
});

/** `GET /api/v1/robots/{site}/{robot}` */
export const robotHistorySchema = z.strictObject({
  generatedAt: z.iso.datetime(),
  robot: robotSchema,
  /** the time of the history, and the length of its pieces */
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  stepSeconds: z.number().min(0),
  /** what it is made from: windows of 10 s, or rollups of 5 minutes or an hour */
  source: z.enum(['10s', '5m', '1h']),
  /** in order of time; a time without windows has no point */
  cameras: z.array(
    z.strictObject({ node: z.string(), camera: z.string(), points: z.array(cameraPointSchema) }),
  ),
  hosts: z.array(z.strictObject({ node: z.string(), points: z.array(hostPointSchema) })),
  /** windows that are not here, by the times of those before and after them, while these are kept */
  missing: z.array(
    z.strictObject({
      node: z.string(),
      /** the robot declared them lost; else they are on their way, or lost in silence */
      isDeclared: z.boolean(),
      /** of windows */
      numbers: z.int().min(1),
      start: z.iso.datetime(),
      end: z.iso.datetime(),
    }),
  ),
});

/** What the list may be asked for. */
export const listQuerySchema = z.object({
  /** part of the site, the name, a tag as KEY=VALUE, a bundle as NAME@VERSION, or a kind of trouble */
  search: lineSchema.max(100).default(''),
  /** by trouble, the worst first, or by site and name */
  order: z.enum(['name', 'trouble']).default('name'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  offset: z.coerce.number().int().min(0).max(1e6).default(0),
});

/** What a history may be asked for. */
export const historyQuerySchema = z.object({
  hours: z.coerce.number().gt(0).max(MAX_HISTORY_HOURS).default(1),
  /** how many pieces the time is cut into */
  points: z.coerce.number().int().min(1).max(1_000).default(120),
});

export const robotParamsSchema = z.object({ site: topicLevelSchema, robot: topicLevelSchema });

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
  '/api/v1/robots/{site}/{robot}/drift': {
    summary: 'Drift windows of one robot as it sent them: what "goshawk drift report --windows" takes',
    params: robotParamsSchema,
    query: robotDriftQuerySchema,
    answer: robotDriftSchema,
  },
  '/api/v1/drift': {
    summary: 'What cameras showed: merged drift windows by fleet, site, tag, bundle, robot or camera',
    params: z.object({}),
    query: driftQuerySchema,
    answer: mergedDriftSchema,
  },
  '/api/v1/triage': {
    summary: 'What is wrong where: one camera, one robot, one site, a season, or a bad model, with evidence',
    params: z.object({}),
    query: triageQuerySchema,
    answer: triageSchema,
  },
} as const;

export type Liveness = z.infer<typeof livenessSchema>;
export type RobotList = z.infer<typeof robotListSchema>;
export type RobotSummary = z.infer<typeof robotSchema>;
export type RobotHistory = z.infer<typeof robotHistorySchema>;
export type CameraPoint = z.infer<typeof cameraPointSchema>;
export type HostPoint = z.infer<typeof hostPointSchema>;
export type ListQuery = z.infer<typeof listQuerySchema>;
export type HistoryQuery = z.infer<typeof historyQuerySchema>;
