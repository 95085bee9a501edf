import type { DriftTrialsReport, DriftKind } from '../../../contract/drift-bench.ts';
import { CameraJudge } from '../../../core/drift/verdict/camera-judge.ts';
import { createRandom } from '../../../core/random.ts';
import { RIGHT_CAUSE, type DriftStrength } from './kinds.ts';
import type { BenchWorld, Drifting, ObservedRows } from './world.ts';

const DAY_SECONDS = 86_400;
/** Observations without drift before each trial. */
const BEFORE = 120;

/** Endless observations without drift: whole pieces of days and nights, which are longer than features correlate. */
function undrifted({ quiet }: BenchWorld, seed: number): (second: number) => Float64Array {
  const random = createRandom(seed);
  let piece: ObservedRows = [];
  let at = 0;
  return (second) => {
    if (at >= piece.length) {
      const pieces = second % DAY_SECONDS < DAY_SECONDS / 2 ? quiet.day : quiet.night;
      piece = pieces[random.int(0, pieces.length - 1)]!;
      at = 0;
    }
    at += 1;
    return piece[at - 1]!;
  };
}

/** False alarms of one robot. */
export function countAlarms(world: BenchWorld, seconds: number, perWeek: number, seed: number): number {
  return alarmsOf(world, seconds, perWeek, undrifted(world, seed));
}

/** False alarms in the observations without drift themselves, each of them once: all days, then all nights. */
export function countOnce(world: BenchWorld, perWeek: number): { seconds: number; alarms: number } {
  const rows = [...world.quiet.day.flat(), ...world.quiet.night.flat()];
  return { seconds: rows.length, alarms: alarmsOf(world, rows.length, perWeek, (second) => rows[second]!) };
}

function alarmsOf(
  world: BenchWorld,
  seconds: number,
  perWeek: number,
  next: (second: number) => Float64Array,
): number {
  const judge = new CameraJudge(world.reference, perWeek);
  let alarms = 0;
  for (let second = 0; second < seconds; second += 1)
    if (judge.update(next(second)) && isAlarmed(judge)) alarms += 1;
  return alarms;
}

const isAlarmed = (judge: CameraJudge): boolean => judge.state === 'drifted';

export interface DriftTrial {
  readonly kind: DriftKind;
  readonly strength: DriftStrength;
  /** observations until the alarm; null without one */
  readonly seconds: number | null;
  readonly cause: string | null;
}

/** One drift after two minutes of day. */
export function tryDrift(
  world: BenchWorld,
  { kind, strength, rows }: Drifting,
  perWeek: number,
  seed: number,
): DriftTrial {
  const judge = new CameraJudge(world.reference, perWeek);
  const next = undrifted(world, seed);
  for (let second = 0; second < BEFORE; second += 1) judge.update(next(second));
  // an alarm before the drift is a false one, and says nothing about the drift
  if (isAlarmed(judge)) return { kind, strength, seconds: null, cause: null };
  for (const [i, row] of rows.entries()) {
    judge.update(row);
    if (isAlarmed(judge))
      return { kind, strength, seconds: i + 1, cause: judge.verdict().cause?.cause ?? null };
  }
  return { kind, strength, seconds: null, cause: null };
}

type TrialRow = DriftTrialsReport['trials'][number];

/** Trials of one kind and strength as a row. */
export function trialRow(kind: DriftKind, strength: DriftStrength, results: readonly DriftTrial[]): TrialRow {
  const own = results.filter((one) => one.kind === kind && one.strength === strength);
  const found = own.filter(({ seconds }) => seconds !== null);
  const delays = found.map(({ seconds }) => seconds ?? 0).sort((a, b) => a - b);
  const causes: Record<string, number> = {};
  for (const { cause } of found) causes[cause ?? 'none'] = (causes[cause ?? 'none'] ?? 0) + 1;
  return {
    kind,
    strength,
    trials: own.length,
    detected: found.length,
    medianSeconds: delays[Math.floor(delays.length / 2)] ?? null,
    causeRight: found.filter(({ cause }) => cause === RIGHT_CAUSE[kind]).length,
    causes,
  };
}
