import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../../contract/json.ts';
import { OBSERVED, OF_CONTEXT } from '../../../core/drift/observe/observed.ts';
import { childEnvironment } from '../../../platform/child-environment.ts';
import { requireChild } from '../../../platform/child-process.ts';
import { inTemporaryFolder } from '../../../platform/temporary-folder.ts';
import type { RuleTally } from './rule-rows.ts';
import type { BenchWorld, ObservedRows } from './world.ts';

/** scripts/drift/peers.py with an interpreter that has its requirements. */
export interface Peers {
  readonly python: string;
  readonly script: string;
}

const answerSchema = z.array(
  z.object({
    rule: z.string(),
    alarms: z.int().min(0),
    windows: z.int().min(0).nullable(),
    /** for each drift of each street */
    delays: z.array(z.int().min(0).nullable()),
  }),
);

const COMPARED = OBSERVED.flatMap((name, at) =>
  OF_CONTEXT.some((one) => one === name) ? [] : [{ name, at }],
);

const columns = (rows: ObservedRows): (number | null)[][] =>
  rows.map((row) => COMPARED.map(({ at }) => (Number.isNaN(row[at]!) ? null : row[at]!)));

/**
 * What Evidently and river say with their defaults.
 * @throws GoshawkError GOSHAWK_CHILD_FAILED if Python cannot run them
 */
export function askPeers(peers: Peers, worlds: readonly BenchWorld[]): Promise<RuleTally[]> {
  return inTemporaryFolder('drift-peers', (folder) => askIn(folder, peers, worlds));
}

async function askIn(
  folder: string,
  { python, script }: Peers,
  worlds: readonly BenchWorld[],
): Promise<RuleTally[]> {
  const [asked, answered] = [join(folder, 'asked.json'), join(folder, 'answered.json')];
  const streets = worlds.map(({ referenceRows, quiet, drifts }) => ({
    reference: columns(referenceRows),
    day: columns(quiet.day.flat()),
    quiet: [...quiet.day, ...quiet.night].map(columns),
    drifts: drifts.filter(({ strength }) => strength === 'middle').map(({ rows }) => columns(rows)),
  }));
  await writeFile(asked, JSON.stringify({ features: COMPARED.map(({ name }) => name), streets }));
  await requireChild({ command: python, args: [script, asked, answered], env: childEnvironment() });
  const rules = answerSchema.parse(parseJson(await readFile(answered, 'utf8')));
  const seconds = worlds.reduce((sum, { quiet }) => sum + [...quiet.day, ...quiet.night].flat().length, 0);
  return rules.map(({ rule, alarms, delays }) => ({ rule, falseAlarms: alarms, seconds, delays }));
}
