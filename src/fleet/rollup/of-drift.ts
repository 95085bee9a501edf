import type { StreamBody } from '../../contract/telemetry/streams.ts';
import { NO_STATES, type DriftRollup, type StateCounts } from '../../core/drift/drift-rollup.ts';
import { boundedDrift } from './bounded-drift.ts';
import { cameraName, cutName, timesOf } from './window-times.ts';

export type DriftWindow = StreamBody<'drift'>;
type Camera = DriftWindow['cameras'][number];

/** What PostgreSQL takes as an integer. */
const MAX_TABLE = 2 ** 31 - 1;

/** What a drift window has of one camera, and what its histograms may be added to. */
export interface OwnedDrift extends DriftRollup {
  readonly camera: string;
  readonly digest: string;
  readonly bundle: string;
  /** version of the table of features */
  readonly table: number;
}

/** A drift window as the rollups of its cameras: one for each, in the order of the window. */
export function driftsOf(window: DriftWindow): readonly OwnedDrift[] {
  const { coveredMs, untilMs } = timesOf(window.window);
  const { bundle } = window;
  const table = Math.min(MAX_TABLE, window.table);
  return window.cameras.map((drift, at) => {
    const camera = cameraName(drift.camera, at);
    return {
      camera,
      digest: cutName(bundle?.digest ?? ''),
      bundle: bundle === null ? '' : cutName(`${bundle.name}@${bundle.version}`),
      table,
      coveredMs,
      untilMs,
      states: statesOf(drift),
      drift: boundedDrift({ ...drift, camera }, table),
    };
  });
}

function statesOf({ verdict }: Camera): StateCounts {
  return verdict === undefined ? NO_STATES : { ...NO_STATES, [verdict.state]: 1 };
}
