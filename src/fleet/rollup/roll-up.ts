import { groupBy } from '../../core/group-by.ts';
import { addCameraRollups } from '../../core/rollup/camera-rollup.ts';
import { addHostRollups } from '../../core/rollup/host-rollup.ts';
import { STEP_MS, type CameraRow, type HostRow, type RollupKey, type Step } from '../store/rollup-rows.ts';
import { camerasOf, hostOf, type Window } from './of-window.ts';

/** Rollups of one length. */
export interface RollupRows {
  readonly cameras: readonly CameraRow[];
  readonly hosts: readonly HostRow[];
}

/** The key of the rollup of a length that a time belongs to. */
export function keyAt(step: Step, { sender, bucketMs, day }: RollupKey): RollupKey {
  return { sender, day, bucketMs: Math.floor(bucketMs / STEP_MS[step]) * STEP_MS[step] };
}

/** The text by which keys are equal. */
export function keyText({ sender, bucketMs, day }: RollupKey): string {
  return `${sender} ${bucketMs} ${day}`;
}

/** Windows as rollups of one window each. */
export function ofWindows(windows: readonly (RollupKey & { readonly window: Window })[]): RollupRows {
  return {
    cameras: windows.flatMap(({ window, ...key }) =>
      camerasOf(window).map(([camera, rollup]) => ({ ...key, ...rollup, camera })),
    ),
    hosts: windows.map(({ window, ...key }) => ({ ...key, ...hostOf(window) })),
  };
}

/** Rollups of a length from shorter ones: those of one key, and camera, are added. */
export function rollUp(step: Step, { cameras, hosts }: RollupRows): RollupRows {
  return {
    cameras: [...groupBy(cameras, (row) => `${keyText(keyAt(step, row))} ${row.camera}`).values()].flatMap(
      (rows) => {
        const [first] = rows;
        const sum = addCameraRollups(rows);
        return first === undefined || sum === null
          ? []
          : [{ ...keyAt(step, first), ...sum, camera: first.camera }];
      },
    ),
    hosts: [...groupBy(hosts, (row) => keyText(keyAt(step, row))).values()].flatMap((rows) => {
      const [first] = rows;
      const sum = addHostRollups(rows);
      return first === undefined || sum === null ? [] : [{ ...keyAt(step, first), ...sum }];
    }),
  };
}
