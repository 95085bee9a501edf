import {
  DRIFT_KINDS,
  DRIFT_STRENGTHS,
  type DriftDeviations,
  type DriftTrialsReport,
} from '../../../contract/drift-bench.ts';
import type { Host } from '../../../contract/report.ts';
import { poissonInterval } from '../../../core/drift/measures/poisson.ts';
import { SPACE } from '../../../core/drift/space/scale.ts';
import { mixSeeds } from '../../../core/random.ts';
import type { Bundle } from '../../../model/bundle.ts';
import { deviationsOf, placesOf } from './deviations.ts';
import { askPeers, type Peers } from './peers.ts';
import { customaryTallies, ownTally, ruleRow, type RuleTally } from './rule-rows.ts';
import { SimObserver } from './sim-observer.ts';
import { countAlarms, countOnce, trialRow, tryDrift } from './trials.ts';
import { observeWorld, type BenchWorld } from './world.ts';

const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 7 * DAY_SECONDS;

export interface DriftTrialsOptions {
  readonly bundle: Bundle;
  readonly host: Host;
  readonly seed: number;
  readonly worlds: number;
  readonly robots: number;
  readonly days: number;
  readonly falseAlarmsPerWeek: number;
  /** of each context, in the reference */
  readonly referencePieces: number;
  /** of each context, without drift after it */
  readonly pieces: number;
  /** observations of a piece, and of a drift */
  readonly piece: number;
  /** null: without them */
  readonly peers: Peers | null;
  /** gets what drift did to the features; null: nobody */
  readonly keepDeviations: ((deviations: DriftDeviations) => Promise<void>) | null;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Statistics of false alarms and of drift that is found, in simulated streets. */
export async function runDriftBench(options: DriftTrialsOptions): Promise<DriftTrialsReport> {
  const startedAt = new Date();
  const { bundle, host, seed, falseAlarmsPerWeek } = options;
  const worlds = await observeWorlds(options);
  await options.keepDeviations?.({
    schema: 'goshawk.drift-deviations/2',
    seed,
    features: [...SPACE],
    drifts: worlds.flatMap(deviationsOf),
    places: worlds.flatMap(placesOf),
  });
  const once = worlds.map((world) => countOnce(world, falseAlarmsPerWeek));
  const noDrift = withoutDrift(worlds, once, options);
  const results = worlds.flatMap((world, i) =>
    world.drifts.map((drift, j) => tryDrift(world, drift, falseAlarmsPerWeek, mixSeeds(seed, i, j))),
  );
  const rules = [
    ownTally(once, results),
    ...customaryTallies(worlds),
    ...(await peerTallies(worlds, options)),
  ];
  const trials = DRIFT_KINDS.flatMap((kind) =>
    DRIFT_STRENGTHS.map((strength) => trialRow(kind, strength, results)),
  );
  const middle = trials.filter(({ strength }) => strength === 'middle');
  const sum = (of: 'trials' | 'detected' | 'causeRight'): number =>
    middle.reduce((all, row) => all + row[of], 0);
  return {
    schema: 'goshawk.drift-bench/2',
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    host,
    bundle: { name: bundle.manifest.name, version: bundle.manifest.version, digest: bundle.digest },
    seed,
    worlds: worlds.length,
    referencePieces: options.referencePieces,
    pieces: options.pieces,
    pieceSeconds: options.piece,
    falseAlarmsPerWeek,
    detected: ratio(sum('detected'), sum('trials')),
    causeRight: ratio(sum('causeRight'), sum('detected')),
    falseAlarmRatio: noDrift.alarms / noDrift.allowed,
    noDrift,
    trials,
    rules: rules.map(ruleRow),
  };
}

function peerTallies(
  worlds: readonly BenchWorld[],
  { peers, say }: DriftTrialsOptions,
): Promise<RuleTally[]> {
  if (peers === null) return Promise.resolve([]);
  say('Evidently and river');
  return askPeers(peers, worlds);
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

async function observeWorlds(options: DriftTrialsOptions): Promise<BenchWorld[]> {
  const observer = await SimObserver.open(options.bundle);
  const worlds: BenchWorld[] = [];
  try {
    for (let i = 0; i < options.worlds; i += 1) {
      options.say(`observing street ${i + 1} of ${options.worlds}`);
      worlds.push(
        await observeWorld(
          (period) => {
            options.signal.throwIfAborted();
            return observer.observe(period);
          },
          mixSeeds(options.seed, i),
          options,
        ),
      );
    }
  } finally {
    await observer.close();
  }
  return worlds;
}

function withoutDrift(
  worlds: readonly BenchWorld[],
  once: readonly ReturnType<typeof countOnce>[],
  options: DriftTrialsOptions,
): DriftTrialsReport['noDrift'] {
  const { robots, days, falseAlarmsPerWeek, seed, say, signal } = options;
  let alarms = 0;
  for (let robot = 0; robot < robots; robot += 1) {
    signal.throwIfAborted();
    say(`without drift: robot ${robot + 1} of ${robots}`);
    const world = worlds[robot % worlds.length]!;
    alarms += countAlarms(world, days * DAY_SECONDS, falseAlarmsPerWeek, mixSeeds(seed, 77, robot));
  }
  const allowed = (robots * days * DAY_SECONDS * falseAlarmsPerWeek) / WEEK_SECONDS;
  const [low, high] = poissonInterval(alarms);
  return {
    robots,
    days,
    alarms,
    allowed,
    interval: [low / allowed, high / allowed],
    observedSeconds: once.reduce((sum, { seconds }) => sum + seconds, 0),
    alarmsAtOnce: once.reduce((sum, one) => sum + one.alarms, 0),
  };
}
