import type { DriftGroup, DriftQuery, MergedDrift } from '../../contract/fleet/drift.ts';
import { FEATURES, type FeatureName } from '../../core/drift/features.ts';
import { meanOf, type FeatureCounts } from '../../core/drift/feature-counts.ts';
import { summaryOf } from '../../core/drift/summary.ts';
import { countOf } from '../../core/edge-histogram.ts';
import { groupBy } from '../../core/group-by.ts';
import { addDriftRollups } from '../../core/drift/drift-rollup.ts';
import type { Database } from '../store/database.ts';
import { DRIFT_STEP_MS, type DriftStep } from '../store/drift-rows.ts';
import { keptSince, readDrift, type KeptSince, type OwnedRow } from '../store/read-drift.ts';

const HOUR_MS = 3_600_000;
/** One answer is made from so many rollups, about 2 kB each. */
const MAX_ROWS = 20_000;
/** What an answer is made from, by its length. */
const SOURCES = [
  { step: '5m', maxHours: 6 },
  { step: '1h', maxHours: 14 * 24 },
  { step: '1d', maxHours: Infinity },
] as const;

/**
 * What cameras showed, by whatever is asked for: from the shortest rollups for its length that are still kept.
 * Throws as `Database.query` does.
 * @param maxRows that an answer is made from
 */
export async function summarizeDrift(
  database: Database,
  query: DriftQuery,
  now: Date,
  maxRows = MAX_ROWS,
): Promise<MergedDrift> {
  const endMs = query.until === undefined ? now.getTime() : Date.parse(query.until);
  const step = sourceOf(query.hours, endMs, await keptSince(database));
  const stepMs = DRIFT_STEP_MS[step];
  const startMs = Math.floor((endMs - query.hours * HOUR_MS) / stepMs) * stepMs;
  const rows = await readDrift(database, step, query, { startMs, endMs }, maxRows + 1);
  const used = rows.length > maxRows ? wholeBuckets(rows.slice(0, maxRows), rows.at(-1)) : rows;
  const isPartial = used.length < rows.length;
  const groups = [...groupBy(used, (row) => groupKey(row, query)).values()]
    .map((members) => groupOf(members, query))
    .sort((one, other) => driftedShare(other) - driftedShare(one));
  // a rollup that has begun counts whole, up to now
  const coveredMs = Math.max(endMs, Math.min(now.getTime(), Math.ceil(endMs / stepMs) * stepMs));
  return {
    generatedAt: now.toISOString(),
    start: new Date(isPartial ? (used.at(-1)?.bucketMs ?? startMs) : startMs).toISOString(),
    end: new Date(coveredMs).toISOString(),
    source: step,
    isPartial,
    total: groups.length,
    groups: groups.slice(0, query.limit),
  };
}

function sourceOf(hours: number, endMs: number, since: KeptSince): DriftStep {
  const startMs = endMs - hours * HOUR_MS;
  const kept = SOURCES.find(({ step, maxHours }) => hours <= maxHours && startMs >= since[step]);
  return (kept ?? SOURCES[2]).step;
}

/** Without the oldest time, of which some rollups do not fit in; if all are of one time, they stay. */
function wholeBuckets(rows: readonly OwnedRow[], next: OwnedRow | undefined): readonly OwnedRow[] {
  const whole = rows.filter(({ bucketMs }) => bucketMs !== next?.bucketMs);
  return whole.length === 0 ? rows : whole;
}

function groupKey({ site, robot, node, camera, digest, tags }: OwnedRow, { by, key }: DriftQuery): string {
  const keys = {
    fleet: [],
    site: [site],
    tag: [tagOf(tags, key)],
    bundle: [digest],
    robot: [site, robot],
    camera: [site, robot, node, camera],
  } as const;
  return JSON.stringify(keys[by]);
}

function groupOf(rows: readonly OwnedRow[], { by, key, features: wanted }: DriftQuery): DriftGroup {
  const sum = addDriftRollups(rows);
  const [first] = rows;
  if (sum === null || first === undefined) throw new TypeError('a group has a rollup');
  const { consistency, reliability } = summaryOf(sum.drift);
  const names = new Set(wanted.split(','));
  return {
    ...commonOf(rows, by),
    ...(by === 'tag' ? { tag: tagOf(first.tags, key) } : {}),
    robots: new Set(rows.map(({ site, robot }) => `${site}/${robot}`)).size,
    cameras: new Set(rows.map(({ sender, camera }) => `${sender}/${camera}`)).size,
    seconds: sum.coveredMs / 1_000,
    frames: sum.drift.frames,
    states: sum.states,
    features: Object.fromEntries(
      Object.entries(sum.drift.features).flatMap(([name, counts]) =>
        Object.hasOwn(FEATURES, name)
          ? [[name, featureOf(name as FeatureName, counts, names.has(name))] as const]
          : [],
      ),
    ),
    classes: sum.drift.classes,
    consistency,
    reliability,
  };
}

/** What is the same in all rows, from the site down to the camera. */
function commonOf(rows: readonly OwnedRow[], by: DriftQuery['by']): Partial<DriftGroup> {
  const [first] = rows;
  if (first === undefined) return {};
  const { site, robot, node, camera, digest, bundle } = first;
  const isOne = (key: (row: OwnedRow) => string): boolean => rows.every((row) => key(row) === key(first));
  return {
    ...(by === 'site' || by === 'robot' || by === 'camera' ? { site } : {}),
    ...(by === 'robot' || by === 'camera' ? { robot } : {}),
    ...(by === 'camera' ? { node, camera } : {}),
    ...(digest !== '' && isOne((row) => row.digest) ? { bundle: { name: bundle, digest } } : {}),
  };
}

function featureOf(
  name: FeatureName,
  counts: FeatureCounts,
  isWanted: boolean,
): DriftGroup['features'][string] {
  const count = countOf(counts);
  const { edges } = FEATURES[name];
  return {
    count,
    mean: count === 0 ? 0 : meanOf(name, counts),
    ...(isWanted ? { histogram: { edges: [...edges], first: counts.first, counts: counts.counts } } : {}),
  };
}

const tagOf = (tags: OwnedRow['tags'], key: string): string =>
  Object.hasOwn(tags, key) ? (tags[key] ?? '') : '';

function driftedShare({ states }: DriftGroup): number {
  const windows = Object.values(states).reduce((sum, one) => sum + one, 0);
  return windows === 0 ? 0 : (states.drifted + states.suspect / 10) / windows;
}
