import { describeSetting } from '../../core/sizing/settings.ts';
import type { EngineSizing } from '../../device/inference/engine.ts';
import type { Status } from '../../contract/status.ts';
import { describeCheck } from '../../contract/engine-choice.ts';
import type { CameraSnapshot, PipelineSnapshot } from '../../device/pipeline/statistics/snapshot.ts';
import { clocksApart, nothingOut } from '../../device/runtime/camera-trouble.ts';
import { refusedOf } from '../../device/inference/describe-choice.ts';
import { engineCondition } from '../../device/runtime/engine-trouble.ts';
import type { DiagnosticStatus } from '../diagnostics.ts';
import type { TopicFinding } from './camera-watch.ts';
import { diagnoseDrift } from './diagnose-drift.ts';
import { diagnosePolicy } from './diagnose-policy.ts';
import { diagnoseLink } from './diagnose-telemetry.ts';
import type { DetectorParameters } from './parameters.ts';

/** What diagnostics are derived from. */
export interface DetectorCondition {
  /** lifecycle state */
  readonly state: string;
  /** why the last transition failed, or refused start values; empty if all went well */
  readonly complaints: readonly string[];
  /** null before configure */
  readonly snapshot: PipelineSnapshot | null;
  /** milliseconds from the newest frame's stamp to its result; NaN if there is none */
  readonly delayMs: number;
  /** by camera */
  readonly findings: ReadonlyMap<string, readonly TopicFinding[]>;
  /** null if it is off */
  readonly telemetry: Status['telemetry'];
  /** absent unless frames are measured */
  readonly drift?: Status['drift'];
  /** absent without a policy */
  readonly policy?: Status['policy'];
}

type Thresholds = Pick<
  DetectorParameters,
  'processing_warn_ms' | 'processing_error_ms' | 'delay_warn_ms' | 'delay_error_ms'
>;

/** Everything a person on the robot should see, as diagnostic entries: the node, its timing, its model, each camera. */
export function diagnose(condition: DetectorCondition, thresholds: Thresholds): DiagnosticStatus[] {
  const { snapshot, telemetry } = condition;
  const lines = [diagnoseNode(condition)];
  if (telemetry !== null) lines.push(diagnoseLink(telemetry));
  if (condition.drift !== undefined) lines.push(...diagnoseDrift(condition.drift));
  if (condition.policy !== undefined) lines.push(diagnosePolicy(condition.policy));
  if (snapshot === null) return lines;
  lines.push(diagnoseTiming(snapshot, condition.delayMs, thresholds), diagnoseEngine(snapshot));
  for (const camera of Object.keys(snapshot.cameras)) {
    lines.push(diagnoseCamera(camera, condition.state, snapshot, condition.findings.get(camera) ?? []));
  }
  return lines;
}

function diagnoseNode({ state, complaints }: DetectorCondition): DiagnosticStatus {
  const first = complaints[0];
  return {
    name: 'state',
    level: first === undefined ? 'ok' : 'error',
    message: first === undefined ? state : `${state}: ${first}`,
    values: {
      state,
      ...Object.fromEntries(complaints.map((text, i) => [`complaint ${i + 1}`, text] as const)),
    },
  };
}

function diagnoseTiming(
  snapshot: PipelineSnapshot,
  delayMs: number,
  thresholds: Thresholds,
): DiagnosticStatus {
  const { count, p50, p99 } = snapshot.recentMs.total;
  const busy = count > 0;
  const processing = levelOf(busy ? p99 : 0, thresholds.processing_warn_ms, thresholds.processing_error_ms);
  const delay = levelOf(busy ? delayMs : 0, thresholds.delay_warn_ms, thresholds.delay_error_ms);
  const level = worst(processing, delay);
  const message =
    level === 'ok'
      ? busy
        ? 'within the limits'
        : 'no frames lately'
      : processing === level
        ? `processing takes ${p99.toFixed(1)} ms (p99), the limit is ` +
          `${limitOf(level, thresholds.processing_warn_ms, thresholds.processing_error_ms)} ms`
        : `results are ${delayMs.toFixed(1)} ms behind the stamps, the limit is ` +
          `${limitOf(level, thresholds.delay_warn_ms, thresholds.delay_error_ms)} ms`;
  return {
    name: 'timing',
    level,
    message,
    values: {
      processing_ms_p50: round(p50),
      processing_ms_p99: round(p99),
      delay_ms: round(delayMs),
      fps_in: round(snapshot.fps.in),
      fps_out: round(snapshot.fps.out),
    },
  };
}

const ENGINE_LEVELS = { running: 'ok', recovered: 'warn', degraded: 'warn', down: 'error' } as const;

function diagnoseEngine(snapshot: PipelineSnapshot): DiagnosticStatus {
  const { engine, engineLost, engineRestored } = snapshot;
  const { state, words } = engineCondition(snapshot);
  const refused = engine === null ? [] : refusedOf(engine);
  const isWorse = state === 'running' && refused.length > 0;
  return {
    name: 'engine',
    level: isWorse ? 'warn' : ENGINE_LEVELS[state],
    message: isWorse ? `running; refused: ${refused.join('; ')}` : words,
    values: {
      bundle: engine === null ? '' : `${engine.bundle.name}@${engine.bundle.version}`,
      digest: engine?.bundle.digest ?? '',
      variant: engine?.variant ?? '',
      variant_choice: engine?.choice.why ?? '',
      exact_int8_kernels: engine?.exactInt8 === true ? 'yes' : 'no',
      reference_check: engine === null ? '' : describeCheck(engine.referenceCheck),
      refused_variants: refused.join('; '),
      provider: engine?.provider ?? '',
      refused_providers: (engine?.refusals ?? [])
        .map(({ provider, reason }) => `${provider}: ${reason}`)
        .join('; '),
      nodes: Object.entries(engine?.nodesByProvider ?? {})
        .map(([provider, nodes]) => `${nodes} on ${provider}`)
        .join(', '),
      setting: engine === null ? '' : describeSetting(engine),
      ...describeSizing(engine?.sizing ?? null),
      lost: engineLost,
      restored: engineRestored,
    },
  };
}

/** How the setting was chosen; empty if the operator fixed it. */
function describeSizing(sizing: EngineSizing | null): DiagnosticStatus['values'] {
  if (sizing === null) return {};
  const { role, isMeasured, why, moves, lastMove } = sizing;
  return {
    setting_for: role,
    setting_measured: isMeasured ? 'yes' : 'no',
    setting_why: why,
    setting_moves: moves,
    setting_last_move: lastMove ?? '',
  };
}

function diagnoseCamera(
  camera: string,
  state: string,
  snapshot: PipelineSnapshot,
  findings: readonly TopicFinding[],
): DiagnosticStatus {
  const stats = snapshot.cameras[camera]!;
  const { frames, fps, width, height, encoding, clockResets } = stats;
  const drops = Object.entries(frames.drops).filter(([, count]) => count > 0);
  const { level, message } = worstOf(findings, state === 'active' ? stats : null) ?? {
    level: 'ok' as const,
    message: `${round(fps.in)} frames/s in, ${round(fps.out)} out`,
  };
  return {
    name: `camera ${camera}`,
    level,
    message,
    values: {
      received: frames.received,
      published: frames.published,
      in_flight: frames.inFlight,
      ...Object.fromEntries(drops.map(([reason, count]) => [`dropped_${reason}`, count])),
      fps_in: round(fps.in),
      fps_out: round(fps.out),
      size: `${width}x${height}`,
      encoding,
      clock_resets: clockResets,
    },
  };
}

/** What to look at first: errors of the graph, then frames that are all dropped, then warnings. */
function worstOf(
  findings: readonly TopicFinding[],
  stats: CameraSnapshot | null,
): Pick<DiagnosticStatus, 'level' | 'message'> | undefined {
  const error = findings.find(({ level }) => level === 'error');
  if (error !== undefined || stats === null) return error ?? findings[0];
  const nothing = nothingOut(stats);
  if (nothing !== null) return { level: 'error', message: nothing };
  const apart = clocksApart(stats);
  return findings[0] ?? (apart === null ? undefined : { level: 'warn', message: apart });
}

function levelOf(value: number, warn: number, error: number): DiagnosticStatus['level'] {
  return value > error ? 'error' : value > warn ? 'warn' : 'ok';
}

function limitOf(level: DiagnosticStatus['level'], warn: number, error: number): number {
  return level === 'error' ? error : warn;
}

function worst(a: DiagnosticStatus['level'], b: DiagnosticStatus['level']): DiagnosticStatus['level'] {
  return a === 'error' || b === 'error' ? 'error' : a === 'warn' || b === 'warn' ? 'warn' : 'ok';
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
