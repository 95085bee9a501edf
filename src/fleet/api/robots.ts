import type {
  HistoryQuery,
  ListQuery,
  Liveness,
  RobotHistory,
  RobotList,
  RobotSummary,
} from '../../contract/fleet/api.ts';
import type { ConnectionState, Presence } from '../presence/presence.ts';
import type { Database } from '../store/database.ts';
import { readRobots, readWindows, type SenderRow } from '../store/read-robots.ts';
import { dropsOf, fpsOf, historyOf, latencyOf } from './windows.ts';

/** State and windows come every 10 s. */
const LATELY_MS = 45_000;
const MAX_WINDOWS = 20_000;

/** A page of robots. Throws as `Database.query` does. */
export async function listRobots(
  database: Database,
  presence: Presence,
  query: ListQuery,
  now: Date,
): Promise<RobotList> {
  const { total, senders } = await readRobots(database, { ...query, only: null, now });
  const robots = [...byRobot(senders).values()].map((own) => summaryOf(own, presence, now));
  return { generatedAt: now.toISOString(), total, offset: query.offset, robots };
}

/** One robot and its history; null if it never sent anything. Throws as `Database.query` does. */
export async function robotHistory(
  database: Database,
  presence: Presence,
  only: { readonly site: string; readonly robot: string },
  { hours, points }: HistoryQuery,
  now: Date,
): Promise<RobotHistory | null> {
  const { senders } = await readRobots(database, { search: '', only, limit: 1, offset: 0, now });
  if (senders.length === 0) return null;
  const since = new Date(now.getTime() - hours * 3_600_000);
  const windows = await readWindows(database, only, since, MAX_WINDOWS);
  const history = historyOf(windows, Math.max(10, (hours * 3_600) / points));
  return { generatedAt: now.toISOString(), robot: summaryOf(senders, presence, now), history };
}

function byRobot(senders: readonly SenderRow[]): Map<string, SenderRow[]> {
  const robots = new Map<string, SenderRow[]>();
  for (const sender of senders) {
    const key = `${sender.site}/${sender.robot}`;
    robots.set(key, [...(robots.get(key) ?? []), sender]);
  }
  return robots;
}

function summaryOf(senders: readonly SenderRow[], presence: Presence, now: Date): RobotSummary {
  const { site = '', robot = '' } = senders[0] ?? {};
  const windows = senders.flatMap((sender) => sender.windows ?? []);
  const rates = senders.flatMap((sender) => fpsOf(sender.windows ?? []) ?? []);
  const sum = (value: (sender: SenderRow) => number): number =>
    senders.reduce((total, sender) => total + value(sender), 0);
  const newest = senders.reduce((best, { last_received: at }) => Math.max(best, at?.getTime() ?? 0), 0);
  const states = senders.flatMap(({ state }) => state ?? []);
  return {
    site,
    robot,
    nodes: senders.map(({ node }) => node),
    liveness: bestOf(
      senders.map((sender) => livenessOf(sender, presence.stateOf(site, robot, sender.node), now)),
    ),
    lastMessageAt: newest === 0 ? null : new Date(newest).toISOString(),
    fps:
      rates.length === 0
        ? null
        : {
            in: rates.reduce((total, rate) => total + rate.in, 0),
            out: rates.reduce((total, rate) => total + rate.out, 0),
          },
    latencyMs: latencyOf(windows),
    drops: dropsOf(windows),
    bundle: states.find(({ bundle }) => bundle !== null)?.bundle ?? null,
    ledger: {
      stored: sum(({ stored }) => stored),
      declared: sum(({ declared }) => declared),
      holes: sum(({ holes }) => holes),
    },
    tags: Object.assign({}, ...states.map(({ tags }) => tags ?? {})) as Record<string, string>,
  };
}

/** @param connection its last connection state; null if unknown */
function livenessOf(
  { last_received: at }: SenderRow,
  connection: ConnectionState | null,
  now: Date,
): Liveness {
  if (connection === 'OFFLINE' || connection === 'CONNECTION_BROKEN') return 'offline';
  if (connection === 'HIBERNATING') return 'hibernating';
  return at !== null && now.getTime() - at.getTime() < LATELY_MS ? 'online' : 'silent';
}

const BEST_FIRST: readonly Liveness[] = ['online', 'hibernating', 'silent', 'offline'];

/** A robot is there when one of its detectors is. */
function bestOf(all: readonly Liveness[]): Liveness {
  return BEST_FIRST.find((one) => all.includes(one)) ?? 'offline';
}
