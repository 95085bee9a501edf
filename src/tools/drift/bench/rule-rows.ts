import type { DriftTrialsReport } from '../../../contract/drift-bench.ts';
import { customaryRules } from './rules.ts';
import type { DriftTrial } from './trials.ts';
import type { BenchWorld } from './world.ts';

const WEEK_SECONDS = 604_800;

/** What a rule did. */
export interface RuleTally {
  readonly rule: string;
  /** without drift, over as many observations */
  readonly falseAlarms: number;
  readonly seconds: number;
  /** observations until the alarm, for each trial of the middle strength; null without one */
  readonly delays: readonly (number | null)[];
}

/** What the alarm itself did on the pieces, each used once, and in trials. */
export function ownTally(
  once: readonly { readonly seconds: number; readonly alarms: number }[],
  results: readonly DriftTrial[],
): RuleTally {
  return {
    rule: 'goshawk',
    falseAlarms: once.reduce((sum, { alarms }) => sum + alarms, 0),
    seconds: once.reduce((sum, { seconds }) => sum + seconds, 0),
    delays: results.filter(({ strength }) => strength === 'middle').map(({ seconds }) => seconds),
  };
}

/** Customary rules decide about each piece, without a memory of those before. */
export function customaryTallies(worlds: readonly BenchWorld[]): RuleTally[] {
  const all = worlds.flatMap(({ referenceRows, quiet, drifts }) => {
    const pieces = [...quiet.day, ...quiet.night];
    const middle = drifts.filter(({ strength }) => strength === 'middle');
    return customaryRules(referenceRows).map((rule) => ({
      rule: rule.rule,
      falseAlarms: pieces.filter((rows) => rule.alarms(rows)).length,
      seconds: pieces.flat().length,
      delays: middle.map(({ rows }) => (rule.alarms(rows) ? rows.length : null)),
    }));
  });
  const names = [...new Set(all.map(({ rule }) => rule))];
  return names.map((name) => {
    const own = all.filter(({ rule }) => rule === name);
    return {
      rule: name,
      falseAlarms: own.reduce((sum, one) => sum + one.falseAlarms, 0),
      seconds: own.reduce((sum, one) => sum + one.seconds, 0),
      delays: own.flatMap(({ delays }) => delays),
    };
  });
}

/** A rule as a row of the report. */
export function ruleRow({
  rule,
  falseAlarms,
  seconds,
  delays,
}: RuleTally): DriftTrialsReport['rules'][number] {
  const found = delays.filter((delay) => delay !== null).sort((a, b) => a - b);
  return {
    rule,
    falseAlarms,
    seconds,
    falseAlarmsPerWeek: (falseAlarms * WEEK_SECONDS) / Math.max(1, seconds),
    detected: delays.length === 0 ? null : found.length / delays.length,
    medianSeconds: found[Math.floor(found.length / 2)] ?? null,
  };
}
