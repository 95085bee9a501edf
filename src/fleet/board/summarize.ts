import type { Liveness, RobotSummary } from '../../contract/fleet/api.ts';
import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import { addHistograms, countOf, percentileOf, type EdgeHistogram } from '../../core/edge-histogram.ts';
import { addDrops } from '../../core/rollup/camera-rollup.ts';
import { troublesOf, type Condition } from '../../core/trouble/trouble.ts';
import { isCurrent } from '../latest/recent.ts';
import type { ConnectionState } from '../presence/presence.ts';
import type { Summary } from '../store/latest-rows.ts';
import type { LatestRow } from '../store/read-latest.ts';

/** State and windows come every 10 s. */
const LATELY_MS = 45_000;

/** A robot without what operators keep about it. */
export type RobotState = Omit<RobotSummary, 'settings'>;

/** A detector, and what was said last of its connection; null if nothing was. */
export interface KnownDetector extends LatestRow {
  readonly connection: ConnectionState | null;
}

/** One robot from its detectors, of which there is at least one. */
export function summarizeRobot(detectors: readonly KnownDetector[], nowMs: number): RobotState {
  const { site = '', robot = '' } = detectors[0] ?? {};
  const sum = (value: (one: KnownDetector) => number): number =>
    Math.min(
      Number.MAX_SAFE_INTEGER,
      detectors.reduce((total, one) => total + value(one), 0),
    );
  const newestMs = Math.max(...detectors.map(({ receivedMs }) => receivedMs ?? 0));
  const summaries = detectors.flatMap(({ summary }) =>
    summary !== null && isCurrent(summary, nowMs) ? summary : [],
  );
  const liveness = bestOf(detectors.map((one) => livenessOf(one, nowMs)));
  const ledger = {
    stored: sum(({ stored }) => stored),
    quarantined: sum(({ quarantined }) => quarantined),
    declared: sum(({ declared }) => declared),
    holes: sum(({ holes }) => holes),
  };
  const latencyMs = latencyOfAll(summaries);
  const condition: Condition = {
    connection: connectionOf(liveness, detectors),
    isSilent: liveness === 'silent',
    messageAgeSeconds: newestMs === 0 ? null : Math.max(0, (nowMs - newestMs) / 1_000),
    cameras: detectors.flatMap(({ state }) => state?.cameras ?? []),
    ...conditionOf(summaries, latencyMs),
    quarantined: ledger.quarantined,
    holes: ledger.holes,
  };
  return {
    site,
    robot,
    nodes: detectors.map(({ node }) => node),
    liveness,
    troubles: [...troublesOf(condition)],
    lastMessageAt: newestMs === 0 ? null : new Date(newestMs).toISOString(),
    fps: fpsOf(summaries),
    latencyMs,
    drops: addDrops(summaries.map(({ drops }) => drops)),
    temperatureCelsius: condition.temperatureCelsius,
    bundle: detectors.find(({ state }) => (state?.bundle ?? null) !== null)?.state?.bundle ?? null,
    ledger,
    tags: Object.assign({}, ...detectors.map(({ state }) => state?.tags ?? {})) as Record<string, string>,
  };
}

/** Percentiles of a merged histogram; null without a frame. */
export function latencyOf(histogram: EdgeHistogram): RobotSummary['latencyMs'] {
  const count = countOf(histogram);
  if (count === 0) return null;
  const at = (share: number): number => percentileOf(histogram, share);
  return { count, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

type Latency = RobotSummary['latencyMs'];

/** Of a robot with one detector, which is read many times and changes every 10 s. */
const latencies = new WeakMap<Summary, Latency>();

function latencyOfAll(summaries: readonly Summary[]): Latency {
  const [only] = summaries;
  const known = only === undefined || summaries.length > 1 ? undefined : latencies.get(only);
  if (known !== undefined) return known;
  const histograms = summaries.map(({ latency: counts }) => ({ edgesMs: LATENCY_EDGES_MS, counts }));
  const latency = latencyOf(addHistograms(histograms));
  if (only !== undefined && summaries.length === 1) latencies.set(only, latency);
  return latency;
}

function fpsOf(summaries: readonly Summary[]): RobotSummary['fps'] {
  const known = summaries.filter(({ ms }) => ms > 0);
  if (known.length === 0) return null;
  const rate = (frames: (one: Summary) => number): number =>
    known.reduce((total, one) => total + (1_000 * frames(one)) / one.ms, 0);
  return { in: rate(({ received }) => received), out: rate(({ published }) => published) };
}

function conditionOf(
  summaries: readonly Summary[],
  latencyMs: Latency,
): Pick<Condition, 'frames' | 'temperatureCelsius'> {
  const sum = (value: (one: Summary) => number): number =>
    summaries.reduce((total, one) => total + value(one), 0);
  const hottest = summaries.flatMap(({ temperatureCelsius }) => temperatureCelsius ?? []);
  const received = sum((one) => one.received);
  return {
    temperatureCelsius: hottest.length === 0 ? null : Math.max(...hottest),
    frames:
      summaries.length === 0
        ? null
        : {
            received,
            published: sum((one) => one.published),
            drops: addDrops(summaries.map(({ drops }) => drops)),
            periodMs: received === 0 ? null : sum(({ ms, cameras }) => ms * cameras) / received,
            p99Ms: latencyMs?.p99 ?? null,
          },
  };
}

function connectionOf(liveness: Liveness, detectors: readonly KnownDetector[]): ConnectionState | null {
  if (liveness === 'hibernating') return 'HIBERNATING';
  if (liveness !== 'offline')
    return detectors.find(({ connection }) => connection !== null)?.connection === null ? null : 'ONLINE';
  return detectors.some(({ connection }) => connection === 'CONNECTION_BROKEN')
    ? 'CONNECTION_BROKEN'
    : 'OFFLINE';
}

function livenessOf({ receivedMs, connection }: KnownDetector, nowMs: number): Liveness {
  if (connection === 'OFFLINE' || connection === 'CONNECTION_BROKEN') return 'offline';
  if (connection === 'HIBERNATING') return 'hibernating';
  return receivedMs !== null && nowMs - receivedMs < LATELY_MS ? 'online' : 'silent';
}

const BEST_FIRST: readonly Liveness[] = ['online', 'hibernating', 'silent', 'offline'];

/** A robot is there when one of its detectors is. */
function bestOf(all: readonly Liveness[]): Liveness {
  return BEST_FIRST.find((one) => all.includes(one)) ?? 'offline';
}
