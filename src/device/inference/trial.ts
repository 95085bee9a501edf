import { describeError, GoshawkError } from '../../contract/errors.ts';
import { noiseImage } from '../../core/references/synthetic.ts';
import { LetterboxedGraph } from './letterboxed-graph.ts';
import type { ModelRequest, TrialMessage, TrialResult } from './runner-messages.ts';
import { checkReference, referenceInput } from './reference-check.ts';
import { readChecked } from './runner.ts';

/** Maximum rounds of timing; each candidate runs once per round. */
const MAX_ROUNDS = 40;

/** Rounds that are always run, so that a median means something. */
const MIN_ROUNDS = 5;

interface Loaded {
  readonly graph: LetterboxedGraph | null;
  readonly result: Omit<TrialResult, 'times'>;
}

/**
 * Checks candidates against their references and times those that pass, in turn. Never rejects: a failure is in its
 * result.
 */
export async function runTrial(trial: TrialMessage): Promise<TrialResult[]> {
  const started = performance.now();
  const loaded: Loaded[] = [];
  const refused = new Set<string>();
  for (const { model, onlyAfterRefusal } of trial.candidates) {
    const late = loaded.length > 0 && performance.now() - started > trial.loadBudgetMs;
    if (onlyAfterRefusal && !refused.has(model.variant)) loaded.push(skip('it is not needed'));
    else loaded.push(late ? skip('there was no time to load it', true) : await load(model));
    if (loaded.at(-1)?.result.check?.verdict === 'refused') refused.add(model.variant);
  }
  try {
    const times = await timeInTurns(trial, loaded);
    return loaded.map(({ result }, index) => ({ ...result, times: times[index]! }));
  } finally {
    for (const { graph } of loaded) await graph?.close();
  }
}

const skip = (skipped: string, isLate = false): Loaded => ({
  graph: null,
  result: { check: null, skipped, isLate },
});

async function load(model: ModelRequest): Promise<Loaded> {
  let graph: LetterboxedGraph | null = null;
  try {
    const { provider, fallbacks, threads, exactInt8 } = model;
    const bytes = await readChecked(model);
    const settings = { provider, fallbacks, threads, exactInt8 };
    const loaded = await LetterboxedGraph.load(bytes, model, model.maxBatch, settings);
    graph = loaded;
    await loaded.warmUp();
    const check = await checkReference(model, 'letterboxed', (input) => loaded.run([input], 0, 1));
    if (check.verdict === 'refused') {
      await loaded.close();
      return { graph: null, result: { check, skipped: '', isLate: false } };
    }
    return { graph: loaded, result: { check, skipped: '', isLate: false } };
  } catch (error) {
    await graph?.close();
    return skip(
      error instanceof GoshawkError ? describeError(error) : `it does not run: ${describeError(error)}`,
    );
  }
}

async function timeInTurns(trial: TrialMessage, loaded: readonly Loaded[]): Promise<number[][]> {
  const times = loaded.map((): number[] => []);
  const first = trial.candidates[0]?.model;
  if (first === undefined || loaded.filter(({ graph }) => graph !== null).length < 2) return times;
  const { inputWidth: width, inputHeight: height } = first;
  const input = referenceInput(noiseImage({ width, height }, 1, 1), first, 'letterboxed');
  const started = performance.now();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (round >= MIN_ROUNDS && performance.now() - started > trial.timingBudgetMs) break;
    for (let turn = 0; turn < loaded.length; turn += 1) {
      // each round starts with another one, so that none always follows the same neighbor
      const index = (turn + round) % loaded.length;
      const graph = loaded[index]!.graph;
      if (graph === null) continue;
      const begun = performance.now();
      await graph.run([input], 0, 1);
      times[index]!.push(performance.now() - begun);
    }
  }
  return times;
}
