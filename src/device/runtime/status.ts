import type { Health, Status } from '../../contract/status.ts';
import { isSilent } from '../../core/silence.ts';
import type { CameraSnapshot, PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';
import { nothingOut } from './camera-trouble.ts';
import { engineCondition } from './engine-trouble.ts';

/** What a part adds to the status, under its own names. */
export interface PartStatus {
  readonly telemetry?: NonNullable<Status['telemetry']>;
  readonly drift?: NonNullable<Status['drift']>;
  readonly policy?: NonNullable<Status['policy']>;
  readonly capture?: NonNullable<Status['capture']>;
  readonly [name: string]: unknown;
}

/** A camera's stats with the decision whether it is silent, so that no reader needs to know the rule. */
export interface CameraStatus extends CameraSnapshot {
  readonly isSilent: boolean;
}

/** What `/api/status` sends: `statusSchema` of the contract describes it. */
export interface DeviceStatus extends PipelineSnapshot {
  readonly cameras: Readonly<Record<string, CameraStatus>>;
  readonly bundle: { readonly name: string; readonly version: string; readonly digest: string } | null;
  readonly variant: string | null;
  readonly provider: string | null;
  /** null if it is off */
  readonly telemetry: Status['telemetry'];
  /** absent unless frames are measured */
  readonly drift?: Status['drift'];
  /** a camera that has sent nothing for this long is silent */
  readonly silentAfterMs: number;
}

/**
 * A pipeline's stats as `/api/status` shows them.
 * @param parts what parts add
 */
export function statusOf(snapshot: PipelineSnapshot, parts: PartStatus, silentAfterMs: number): DeviceStatus {
  const { engine, activeMs } = snapshot;
  const cameras = Object.entries(snapshot.cameras).map(
    ([name, camera]) =>
      [name, { ...camera, isSilent: isSilent(camera.lastFrameAgeMs, activeMs ?? 0, silentAfterMs) }] as const,
  );
  return {
    ...snapshot,
    cameras: Object.fromEntries(cameras),
    bundle: engine?.bundle ?? null,
    variant: engine?.variant ?? null,
    provider: engine?.provider ?? null,
    telemetry: null,
    ...parts,
    silentAfterMs,
  };
}

function cameraTrouble(
  name: string,
  camera: CameraSnapshot,
  activeMs: number,
  silentAfterMs: number,
): string | null {
  const { lastFrameAgeMs: ageMs } = camera;
  if (isSilent(ageMs, activeMs, silentAfterMs)) {
    if (ageMs === null) return `camera ${name} has sent no frame yet`;
    return `camera ${name} has been silent for ${(ageMs / 1000).toFixed(0)} s`;
  }
  const trouble = nothingOut(camera);
  return trouble === null ? null : `camera ${name}: ${trouble}`;
}

/**
 * Healthy: a model is loaded and runs, the pipeline is active, every camera sends, and some of it is published. An
 * unreachable broker is not a health problem.
 * @param silentAfterMs time without a frame after which a camera counts as silent: a slow one may take longer
 */
export function healthOf(snapshot: PipelineSnapshot, silentAfterMs: number): Health {
  const reasons: string[] = [];
  if (snapshot.engine === null) reasons.push('no model is loaded');
  const engine = engineCondition(snapshot);
  if (engine.state === 'down') reasons.push(engine.words);
  if (snapshot.state !== 'active') reasons.push(`the pipeline is ${snapshot.state}`);
  else {
    for (const [name, camera] of Object.entries(snapshot.cameras)) {
      const trouble = cameraTrouble(name, camera, snapshot.activeMs ?? 0, silentAfterMs);
      if (trouble !== null) reasons.push(trouble);
    }
  }
  return { ok: reasons.length === 0, reasons };
}
