import type { Host } from '../../../contract/report.ts';
import type { TriageBenchReport } from '../../../contract/triage-bench.ts';
import { TRIAGE_KINDS, type TriageKind } from '../../../core/drift/triage/groups.ts';
import { createRandom, mixSeeds } from '../../../core/random.ts';
import type { Bundle } from '../../../model/bundle.ts';
import { SimObserver } from '../bench/sim-observer.ts';
import { observeStreets, type StreetLooks } from './looks.ts';
import { isRight, runTriageTrial, type TriageTrial } from './trial.ts';

const STREETS = 3;
/** Observations of each street and change. */
const SECONDS = 40;
/** Of the incidents that happen alone: trials with two at the same time, and fleets without any. */
const OVERLAPPING = 0.25;
const QUIET = 0.25;

export interface TriageBenchOptions {
  readonly bundle: Bundle;
  readonly host: Host;
  readonly seed: number;
  /** that happen alone; others come on top */
  readonly incidents: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Simulated incidents of all kinds in turn, and what triage says of them. */
export async function runTriageBench(options: TriageBenchOptions): Promise<TriageBenchReport> {
  const startedAt = new Date();
  const { bundle, host, seed, incidents, say } = options;
  const looks = await look(options);
  const kindAt = (at: number): TriageKind => TRIAGE_KINDS[at % TRIAGE_KINDS.length]!;
  const run = (count: number, salt: number, kinds: (at: number) => readonly TriageKind[]): TriageTrial[] =>
    Array.from({ length: Math.ceil(count) }, (_, at) => {
      options.signal.throwIfAborted();
      if (at % 50 === 0) say(`${at} of ${Math.ceil(count)} fleets`);
      return runTriageTrial(looks, kinds(at), createRandom(mixSeeds(seed, salt, at)));
    });
  const alone = run(incidents, 1, (at) => [kindAt(at)]);
  const overlapping = run(OVERLAPPING * incidents, 2, (at) => {
    const [one, other] = [kindAt(at), kindAt(at + 1 + (Math.floor(at / TRIAGE_KINDS.length) % 4))];
    return [one, other];
  });
  const quiet = run(QUIET * incidents, 3, () => []);
  const answersOf = (trials: readonly TriageTrial[]): number =>
    trials.reduce((sum, { answers }) => sum + answers.length, 0);
  return {
    schema: 'goshawk.triage-bench/1',
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1_000,
    host,
    bundle: { name: bundle.manifest.name, version: bundle.manifest.version, digest: bundle.digest },
    seed,
    streets: STREETS,
    ...tallyOf(alone),
    overlapping: tallyOf(overlapping),
    surplus: [...alone, ...overlapping].reduce(
      (sum, { answers, incidents: own }) => sum + Math.max(0, answers.length - own.length),
      0,
    ),
    quiet: { fleets: quiet.length, answers: answersOf(quiet) },
  };
}

async function look({ bundle, seed, say, signal }: TriageBenchOptions): Promise<readonly StreetLooks[]> {
  const observer = await SimObserver.open(bundle);
  try {
    return await observeStreets(
      (period) => {
        signal.throwIfAborted();
        return observer.observe(period);
      },
      { seed, streets: STREETS, seconds: SECONDS },
      (streets) => say(`observed ${streets} of ${STREETS} streets`),
    );
  } finally {
    await observer.close();
  }
}

function tallyOf(trials: readonly TriageTrial[]): Pick<TriageBenchReport, 'incidents' | 'right' | 'byKind'> {
  const byKind = TRIAGE_KINDS.map((kind) => {
    const row = { kind, incidents: 0, right: 0, instead: {} as Record<string, number> };
    for (const trial of trials)
      for (const incident of trial.incidents.filter((one) => one.kind === kind)) {
        row.incidents += 1;
        if (isRight(trial, incident)) row.right += 1;
        else {
          const first = trial.answers[0]?.kind ?? 'none';
          row.instead[first] = (row.instead[first] ?? 0) + 1;
        }
      }
    return row;
  });
  const sum = (of: 'incidents' | 'right'): number => byKind.reduce((all, row) => all + row[of], 0);
  return { incidents: sum('incidents'), right: sum('right') / Math.max(1, sum('incidents')), byKind };
}
