import type { Health } from '../../contract/status.ts';
import type { CameraSnapshot, PipelineSnapshot } from '../pipeline/snapshot.ts';
import type { TelemetryStatus } from '../telemetry/telemetry-client.ts';
import { nothingOut } from './camera-trouble.ts';
import { engineCondition } from './engine-trouble.ts';

/** A camera that has sent nothing for this long is silent. */
const SILENT_MS = 5_000;

/** What `/api/status` sends: `statusSchema` of the contract describes it. */
export interface DeviceStatus extends PipelineSnapshot {
  readonly bundle: { readonly name: string; readonly version: string; readonly digest: string } | null;
  readonly variant: string | null;
  readonly provider: string | null;
  /** null where it is off */
  readonly telemetry: TelemetryStatus | null;
}

/** A pipeline's figures as `/api/status` shows them. */
export function statusOf(snapshot: PipelineSnapshot, telemetry: TelemetryStatus | null): DeviceStatus {
  const { engine } = snapshot;
  return {
    ...snapshot,
    bundle: engine?.bundle ?? null,
    variant: engine?.variant ?? null,
    provider: engine?.provider ?? null,
    telemetry,
  };
}

function cameraTrouble(name: string, camera: CameraSnapshot, uptimeMs: number): string | null {
  const { lastFrameAgeMs: ageMs } = camera;
  if (ageMs === null) return uptimeMs > SILENT_MS ? `camera ${name} has sent no frame yet` : null;
  if (ageMs > SILENT_MS) return `camera ${name} has been silent for ${(ageMs / 1000).toFixed(0)} s`;
  const trouble = nothingOut(camera);
  return trouble === null ? null : `camera ${name}: ${trouble}`;
}

/** Healthy: a model is loaded and runs, the pipeline is active, every camera sends, and something of it is published. Telemetry that is away is no ill health. */
export function healthOf(snapshot: PipelineSnapshot): Health {
  const reasons: string[] = [];
  if (snapshot.engine === null) reasons.push('no model is loaded');
  const engine = engineCondition(snapshot);
  if (engine.state === 'down') reasons.push(engine.words);
  if (snapshot.state !== 'active') reasons.push(`the pipeline is ${snapshot.state}`);
  else {
    for (const [name, camera] of Object.entries(snapshot.cameras)) {
      const trouble = cameraTrouble(name, camera, snapshot.uptimeSeconds * 1000);
      if (trouble !== null) reasons.push(trouble);
    }
  }
  return { ok: reasons.length === 0, reasons };
}
