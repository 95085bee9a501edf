import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GoshawkError } from '../../../contract/errors.ts';
import type { OutboxOfTrial } from '../../../contract/bench-trial.ts';
import type { LatencySummary, RunReport } from '../../../contract/report.ts';
import { median } from '../../../core/median.ts';
import type { PartValues } from '../../../device/parts.ts';
import { describeEnd, lastLines } from '../../../platform/child-process.ts';
import { entryUrl } from '../../../platform/entry.ts';
import { MeasuredChild } from '../child.ts';
import { SETTLED, trialAnswerSchema, type TrialRequest } from './trial-message.ts';

const READY_MS = 120_000;

/** What all trials of a benchmark have in common. */
export interface TrialSettings extends Pick<
  TrialRequest,
  'bundle' | 'rate' | 'width' | 'height' | 'settleSeconds' | 'seconds'
> {
  /** of the parts next to the pipeline, but for what a trial changes */
  readonly parts: PartValues;
}

export interface TrialPlace {
  /** of the trial, in errors */
  readonly name: string;
  /** for its answer, which may be there from an earlier trial */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** What is measured after a trial has settled. */
export interface MeasuredTrial {
  readonly run: RunReport;
  /** from receipt to publication */
  readonly latencyMs: LatencySummary;
  /** cores in use, by the work of threads */
  readonly cores: Readonly<Record<string, number>>;
  readonly outbox: OutboxOfTrial;
  /** median resident memory */
  readonly rssBytes: number;
}

/**
 * The real pipeline with a simulated camera, in a process of its own, so that its memory is its own.
 * @throws GoshawkError GOSHAWK_BENCH_PROCESS; the reason of the signal if that ended it
 */
export async function measureTrial(
  { bundle, rate, width, height, settleSeconds, seconds, parts }: TrialSettings,
  { name, folder, signal }: TrialPlace,
): Promise<MeasuredTrial> {
  const answer = join(folder, 'answer.json');
  const request: TrialRequest = {
    ...{ bundle, rate, width, height, settleSeconds, seconds, answer, parts },
  };
  const child = await MeasuredChild.start({
    name,
    command: process.execPath,
    arguments: [fileURLToPath(entryUrl(import.meta.url, './trial-main.ts')), JSON.stringify(request)],
    readyText: SETTLED,
    readyTimeoutMs: READY_MS,
    signal,
  });
  const begin = child.rssSamples.length;
  const end = await child.ended;
  signal.throwIfAborted();
  if (end.code !== 0)
    throw new GoshawkError('GOSHAWK_BENCH_PROCESS', {
      name,
      reason: `it ${describeEnd(end)}`,
      output: lastLines(child.output),
    });
  const measured = trialAnswerSchema.parse(JSON.parse(readFileSync(answer, 'utf8')));
  return { ...measured, rssBytes: Math.round(median(child.rssSamples.slice(begin))) };
}

/** Cores in use by all threads of a trial. */
export function coresOf({ cores }: MeasuredTrial): number {
  return Object.values(cores).reduce((sum, one) => sum + one, 0);
}
