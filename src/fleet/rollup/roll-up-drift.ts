import { groupBy } from '../../core/group-by.ts';
import { addDriftRollups } from '../../core/drift/drift-rollup.ts';
import { driftKeyAt, type DriftRow, type DriftStep } from '../store/drift-rows.ts';
import type { RollupKey } from '../store/rollup-rows.ts';
import { boundedDrift } from './bounded-drift.ts';
import { driftsOf, type DriftWindow } from './of-drift.ts';
import { keyText } from './roll-up.ts';
import { MAX_NAMES, OTHERS } from './window-times.ts';

/** Bundles and tables of features of one detector in one rollup: the newest ones. */
const MAX_BUNDLES = 16;

/** Drift windows as rollups of one window each. */
export function ofDriftWindows(
  windows: readonly (RollupKey & { readonly window: DriftWindow })[],
): readonly DriftRow[] {
  return windows.flatMap(({ window, ...key }) => driftsOf(window).map((drift) => ({ ...key, ...drift })));
}

/**
 * Rollups of a length from shorter ones: those of one key, camera, bundle and table of features are added. However many
 * names a robot makes up, a key has no more than 64 cameras and those beyond them together, with 16 bundles each.
 * @param rows in the order of their times, the oldest first
 */
export function rollUpDrift(step: DriftStep, rows: readonly DriftRow[]): readonly DriftRow[] {
  const keyed = rows.map((row) => ({ ...row, ...driftKeyAt(step, row) }));
  return [...groupBy(keyed, keyText).values()].flatMap((ofKey) => {
    const bounded = boundedNames(ofKey);
    return [...groupBy(bounded, subjectOf).values()].flatMap(sumOf);
  });
}

function sumOf(group: readonly DriftRow[]): DriftRow[] {
  const [first] = group;
  const sum = addDriftRollups(group);
  if (first === undefined || sum === null) return [];
  return [{ ...first, ...sum, drift: boundedDrift(sum.drift, first.table) }];
}

/** Cameras beyond those that were seen first are counted together; bundles before the newest ones are left out. */
function boundedNames(rows: readonly DriftRow[]): DriftRow[] {
  const cameras = rows.map(({ camera }) => camera).filter((camera) => camera !== OTHERS);
  const named = new Set([...new Set(cameras)].slice(0, MAX_NAMES));
  const bundles = new Set([...new Set(rows.map(bundleOf).reverse())].slice(0, MAX_BUNDLES));
  return rows
    .filter((row) => bundles.has(bundleOf(row)))
    .map((row) => (named.has(row.camera) ? row : othersOf(row)));
}

const othersOf = (row: DriftRow): DriftRow => ({
  ...row,
  camera: OTHERS,
  drift: { ...row.drift, camera: OTHERS },
});

const bundleOf = ({ digest, table }: DriftRow): string => JSON.stringify([digest, table]);

const subjectOf = (row: DriftRow): string => JSON.stringify([row.camera, bundleOf(row)]);
