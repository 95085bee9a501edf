import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DRIFT_KINDS } from '../../../src/contract/drift-bench.ts';
import { createRandom, mixSeeds } from '../../../src/core/random.ts';
import { NIGHT as NIGHT_CONDITIONS } from '../../../src/tools/drift/bench/kinds.ts';
import { askPeers } from '../../../src/tools/drift/bench/peers.ts';
import { customaryTallies, ownTally, ruleRow } from '../../../src/tools/drift/bench/rule-rows.ts';
import { inTemporaryFolder } from '../../../src/platform/temporary-folder.ts';
import type { SimPeriod } from '../../../src/tools/drift/bench/sim-observer.ts';
import { countAlarms, countOnce, trialRow, tryDrift } from '../../../src/tools/drift/bench/trials.ts';
import { observeWorld } from '../../../src/tools/drift/bench/world.ts';
import { NIGHT, observe, type Change } from '../../core/drift/judged.ts';

const noisy = (by: number): Change => ({
  noise: by,
  rough_10: by,
  rough_25: by,
  rough_75: by,
  relief_10: by / 4,
});

/** Answers that it alarms at everything. */
const PEER = `
import { readFileSync, writeFileSync } from 'node:fs';
const [asked, answered] = process.argv.slice(2);
const [{ quiet, drifts }] = JSON.parse(readFileSync(asked, 'utf8')).streets;
const answer = { rule: 'fake', alarms: quiet.length, windows: quiet.length, delays: drifts.map((rows) => rows.length) };
writeFileSync(answered, JSON.stringify([answer]));
`;

/** A made-up street: night, noise and fog change features, and nothing else does. */
function fake({ seed, conditions, from, seconds }: SimPeriod): Promise<Float64Array[]> {
  const random = createRandom(mixSeeds(seed, from, Math.round(1000 * conditions.light)));
  const change =
    conditions.light === NIGHT_CONDITIONS.light
      ? NIGHT
      : { ...noisy(8 * (conditions.noise - 0.08)), saturation: -0.15 * conditions.fog };
  return Promise.resolve(Array.from({ length: seconds }, () => observe(random, change)));
}

describe('the drift bench', async () => {
  const world = await observeWorld(fake, 1, { referencePieces: 6, pieces: 5, piece: 60 });

  it('counts no false alarm in a made-up hour, at one a week', () => {
    expect(countAlarms(world, 3_600, 1, 1)).toBe(0);
  });

  it('finds noise, names it, and finds nothing where nothing changed', () => {
    const results = world.drifts.map((drift, i) => tryDrift(world, drift, 1, i));
    expect(trialRow('noise', 'strong', results)).toMatchObject({
      trials: 1,
      detected: 1,
      causeRight: 1,
      causes: { noise: 1 },
    });
    expect(trialRow('rain', 'strong', results)).toMatchObject({
      trials: 1,
      detected: 0,
      medianSeconds: null,
    });
    expect(new Set(results.map(({ kind }) => kind)).size).toBe(DRIFT_KINDS.length);
  });

  it('lets customary rules decide about the same pieces', () => {
    const rows = customaryTallies([world]).map(ruleRow);
    expect(rows).toHaveLength(6);
    for (const row of rows) expect(row).toMatchObject({ seconds: 600, medianSeconds: 60 });
    // one sample of all contexts: by day alone, every piece is unlike it
    expect(rows.find(({ rule }) => rule.startsWith('Kolmogorov'))?.falseAlarms).toBe(10);
    const results = world.drifts.map((drift, i) => tryDrift(world, drift, 1, i));
    expect(ruleRow(ownTally([countOnce(world, 1)], results))).toMatchObject({
      rule: 'goshawk',
      falseAlarms: 0,
      seconds: 600,
      falseAlarmsPerWeek: 0,
    });
  });

  it('takes the answers of another program', async () => {
    const [row] = await inTemporaryFolder('peers-test', (folder) => {
      const script = join(folder, 'peers.mjs');
      writeFileSync(script, PEER);
      return askPeers({ python: process.execPath, script }, [world]);
    });
    // 8 kinds of drift of the middle strength, and 10 pieces without drift
    expect(row).toEqual({ rule: 'fake', falseAlarms: 10, seconds: 600, delays: Array(8).fill(60) });
  });
});
