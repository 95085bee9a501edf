import type { HostStats } from '../../contract/telemetry/shapes.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { refusedOf } from '../inference/describe-choice.ts';
import type { PipelineSnapshot, PipelineState } from '../pipeline/statistics/snapshot.ts';

type StateBody = StreamBody<'state'>;

const LIFECYCLE: Readonly<Record<PipelineState, StateBody['lifecycle']>> = {
  idle: 'unconfigured',
  starting: 'unconfigured',
  inactive: 'inactive',
  active: 'active',
  draining: 'active',
  closing: 'finalized',
  closed: 'finalized',
};

/** The bundle that a snapshot refers to; `null` before it is loaded. */
export function bundleReference(snapshot: PipelineSnapshot): StateBody['bundle'] {
  if (snapshot.engine === null) return null;
  const { bundle, variant, provider } = snapshot.engine;
  return { ...bundle, variant, provider };
}

function referenceOf({ engine }: PipelineSnapshot): StateBody['reference'] {
  if (engine === null) return null;
  const { referenceCheck, exactInt8, choice } = engine;
  return { ...referenceCheck, exactInt8, choice: choice.how, why: choice.why, refused: refusedOf(engine) };
}

/** The body while no model is loaded. */
export function unconfiguredBody(uptimeSeconds: number, host: HostStats): StateBody {
  return { uptimeSeconds, lifecycle: 'unconfigured', bundle: null, reference: null, cameras: [], host };
}

export function stateBody(snapshot: PipelineSnapshot, host: HostStats): StateBody {
  return {
    uptimeSeconds: snapshot.uptimeSeconds,
    lifecycle: LIFECYCLE[snapshot.state],
    bundle: bundleReference(snapshot),
    reference: referenceOf(snapshot),
    cameras: Object.entries(snapshot.cameras).map(([camera, stats]) => ({
      camera,
      silentSeconds: stats.lastFrameAgeMs === null ? null : stats.lastFrameAgeMs / 1000,
      framesReceived: stats.frames.received,
      framesPublished: stats.frames.published,
    })),
    host,
  };
}
