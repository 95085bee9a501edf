import type { BrokerCondition, TelemetryTrial } from '../../../contract/bench-telemetry.ts';
import type { RunReport } from '../../../contract/report.ts';
import { coresOf, measureTrial, type TrialSettings } from '../trial/measure-trial.ts';

/** Who sends in all trials. */
export const BENCH_SPEAKER = { site: 'bench', robot: 'bench', node: 'bench' } as const;

/** Where one trial connects to, and what it is called. */
interface TrialPlace {
  readonly round: number;
  readonly condition: BrokerCondition;
  /** null for no telemetry */
  readonly url: string | null;
  /** empty; for its answer and the outbox */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** A trial beside a broker. @throws as `measureTrial` does */
export async function runTelemetryTrial(
  settings: TrialSettings,
  { round, condition, url, folder, signal }: TrialPlace,
): Promise<{ readonly trial: TelemetryTrial; readonly run: RunReport }> {
  const { site, robot } = BENCH_SPEAKER;
  const telemetry = { telemetry: url ?? '', telemetry_outbox: folder, site, robot };
  const measured = await measureTrial(
    { ...settings, parts: { ...settings.parts, ...telemetry } },
    { name: `a trial, ${condition}`, folder, signal },
  );
  const { run, latencyMs, cores, rssBytes, outbox } = measured;
  const trial = {
    round,
    condition,
    frames: run.frames,
    latencyMs,
    telemetryCores: cores['telemetry'] ?? 0,
    processCores: coresOf(measured),
    rssBytes,
    outbox,
  };
  return { trial, run };
}
