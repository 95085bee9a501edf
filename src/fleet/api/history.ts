import type { CameraPoint, HistoryQuery, HostPoint, RobotHistory } from '../../contract/fleet/api.ts';
import { groupBy } from '../../core/group-by.ts';
import { addCameraRollups, type CameraRollup } from '../../core/rollup/camera-rollup.ts';
import { addHostRollups, type HostRollup, type Spread } from '../../core/rollup/host-rollup.ts';
import { latencyOf } from '../board/summarize.ts';
import { ofWindows } from '../rollup/roll-up.ts';
import type { Session } from '../store/database.ts';
import { readMissing, readNodes, readRollups, readWindows, type TimeRange } from '../store/read-history.ts';
import { STEP_MS, type CameraRow, type HostRow } from '../store/rollup-rows.ts';

const HOUR_MS = 3_600_000;
const WINDOW_MS = 10_000;
const MIN_DATE_MS = Date.parse('0001-01-01T00:00:00Z');
const MAX_DATE_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** What a history is made from, by its length: windows, or rollups. */
const SOURCES = [
  { source: '10s', stepMs: WINDOW_MS, maxHours: 2 },
  { source: '5m', stepMs: STEP_MS['5m'], maxHours: 48 },
  { source: '1h', stepMs: STEP_MS['1h'], maxHours: Infinity },
] as const;

type History = Omit<RobotHistory, 'generatedAt' | 'robot'>;

/** What one robot did in the last hours. Throws as `Database.query` does. */
export async function readRobotHistory(
  database: Session,
  robot: { readonly site: string; readonly robot: string },
  { hours, points }: HistoryQuery,
  now: Date,
): Promise<History> {
  const { source, stepMs: shortest } = SOURCES.find(({ maxHours }) => hours <= maxHours) ?? SOURCES[2];
  const stepMs = Math.ceil((hours * HOUR_MS) / points / shortest) * shortest;
  const endMs = now.getTime();
  const range = { startMs: Math.floor((endMs - hours * HOUR_MS) / stepMs) * stepMs, endMs };
  const nodes = await readNodes(database, robot);
  const [rows, missing] = await Promise.all([
    readRows(database, source, [...nodes.keys()], range),
    readMissing(database, nodes, range),
  ]);
  return {
    start: timeOf(range.startMs),
    end: timeOf(endMs),
    stepSeconds: stepMs / 1_000,
    source,
    ...pointsOf(rows, nodes, stepMs),
    missing: missing.map(({ node, isDeclared, numbers, ...one }) => ({
      node,
      isDeclared,
      numbers,
      start: timeOf(one.startMs),
      end: timeOf(one.endMs),
    })),
  };
}

interface Rows {
  readonly cameras: readonly CameraRow[];
  readonly hosts: readonly HostRow[];
}

async function readRows(
  database: Session,
  source: History['source'],
  senders: readonly number[],
  range: TimeRange,
): Promise<Rows> {
  if (source !== '10s') return readRollups(database, source, senders, range);
  const windows = await readWindows(database, senders, range);
  return ofWindows(
    windows
      .map(({ sender, window }) => ({ sender, window, day: '', bucketMs: Date.parse(window.window.start) }))
      .filter(({ bucketMs }) => bucketMs >= range.startMs && bucketMs < range.endMs),
  );
}

/** Rows in pieces of a time, by camera and by detector, each in order of time; times without rows have no point. */
export function pointsOf(
  { cameras, hosts }: Rows,
  nodes: ReadonlyMap<number, string>,
  stepMs: number,
): Pick<History, 'cameras' | 'hosts'> {
  return {
    cameras: [...groupBy(cameras, ({ sender, camera }) => `${sender} ${camera}`)].map(([, rows]) => ({
      node: nodes.get(rows[0]?.sender ?? 0) ?? '',
      camera: rows[0]?.camera ?? '',
      points: pieces(rows, stepMs, (startMs, piece) => cameraPoint(startMs, addCameraRollups(piece), stepMs)),
    })),
    hosts: [...groupBy(hosts, ({ sender }) => String(sender))].map(([, rows]) => ({
      node: nodes.get(rows[0]?.sender ?? 0) ?? '',
      points: pieces(rows, stepMs, (startMs, piece) => hostPoint(startMs, addHostRollups(piece), stepMs)),
    })),
  };
}

function pieces<Row extends { readonly bucketMs: number }, Point>(
  rows: readonly Row[],
  stepMs: number,
  pointOf: (startMs: number, rows: readonly Row[]) => Point | null,
): Point[] {
  return [...groupBy(rows, ({ bucketMs }) => String(Math.floor(bucketMs / stepMs) * stepMs))]
    .map(([start, piece]) => ({ startMs: Number(start), piece }))
    .sort((one, other) => one.startMs - other.startMs)
    .flatMap(({ startMs, piece }) => pointOf(startMs, piece) ?? []);
}

function cameraPoint(startMs: number, rollup: CameraRollup | null, stepMs: number): CameraPoint | null {
  if (rollup === null) return null;
  const { received, published, drops, latency } = rollup;
  return { ...timesOf(startMs, rollup, stepMs), received, published, drops, latencyMs: latencyOf(latency) };
}

function hostPoint(startMs: number, rollup: HostRollup | null, stepMs: number): HostPoint | null {
  if (rollup === null) return null;
  const spreads = Object.entries(rollup.values).map(([name, spread]) => [name, spreadOf(spread)] as const);
  return { ...timesOf(startMs, rollup, stepMs), values: Object.fromEntries(spreads) };
}

function spreadOf({ weight, sum, min, max }: Spread): HostPoint['values'][string] {
  return { min, mean: Math.min(max, Math.max(min, sum / weight)), max };
}

/** A merged window may be longer than a step: nothing is missing in its time. */
function timesOf(
  startMs: number,
  { untilMs, coveredMs }: { readonly untilMs: number; readonly coveredMs: number },
  stepMs: number,
): Pick<CameraPoint, 'start' | 'end' | 'seconds'> {
  const endMs = Math.max(startMs + stepMs, untilMs);
  return { start: timeOf(startMs), end: timeOf(endMs), seconds: coveredMs / 1_000 };
}

/** A robot's clock may say anything. */
function timeOf(ms: number): string {
  return new Date(Math.max(MIN_DATE_MS, Math.min(MAX_DATE_MS, ms))).toISOString();
}
