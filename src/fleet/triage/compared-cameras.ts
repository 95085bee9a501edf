import type { CameraDrift } from '../../core/drift/camera-drift.ts';
import { shiftOf } from '../../core/drift/triage/camera-shift.ts';
import type { TriagedCamera } from '../../core/drift/triage/triage.ts';
import { groupBy } from '../../core/group-by.ts';
import { addDriftRollups } from '../../core/drift/drift-rollup.ts';
import type { Database } from '../store/database.ts';
import { readDriftOf, sampleSenders, type OwnedRow } from '../store/read-drift.ts';
import type { TimeRange } from '../store/read-history.ts';
import type { UsualCameras, UsualOf } from './usual-cameras.ts';

/** Cameras that one answer looks at. */
const MAX_CAMERAS = 2_000;
/** Detectors that are read at once. */
const AT_ONCE = 200;

/** A camera of the fleet in a period, with what triage needs of it. */
export interface ComparedCamera extends TriagedCamera {
  readonly node: string;
  /** name of the camera in its detector */
  readonly label: string;
  /** NAME@VERSION */
  readonly bundle: string;
  readonly drift: CameraDrift;
  /** of earlier weeks; null without any */
  readonly usual: CameraDrift | null;
}

/** Cameras of a period. */
export interface ComparedFleet {
  /** that there are, looked at or not */
  readonly total: number;
  readonly cameras: readonly ComparedCamera[];
}

/** What the fleet showed in a period, and how far each camera is off. Throws as `Database.query` does. */
export async function compareFleet(
  database: Pick<Database, 'query'>,
  usual: UsualCameras,
  range: TimeRange,
): Promise<ComparedFleet> {
  const found = await sampleSenders(database, range);
  const senders = sampleOf(found);
  const usualOf = await usual.read(senders, (range.startMs + range.endMs) / 2);
  const cameras: ComparedCamera[] = [];
  for (let first = 0; first < senders.length; first += AT_ONCE) {
    const rows = await readDriftOf(database, '5m', senders.slice(first, first + AT_ONCE), [range]);
    for (const own of groupBy(rows, ({ sender, camera }) => `${sender} ${camera}`).values())
      cameras.push(...comparedOf(own, usualOf));
  }
  return { total: found.reduce((sum, one) => sum + one.cameras, 0), cameras };
}

function sampleOf(found: readonly { readonly sender: number; readonly cameras: number }[]): number[] {
  let cameras = 0;
  return found.flatMap(({ sender, cameras: own }) => {
    cameras += own;
    return cameras > MAX_CAMERAS ? [] : sender;
  });
}

/** One camera from its rollups; those of a bundle that it no longer has are left out. */
function comparedOf(rows: readonly OwnedRow[], usualOf: UsualOf): ComparedCamera[] {
  const newest = newestOf(rows);
  const sum = addDriftRollups(rows.filter(({ digest }) => digest === newest?.digest));
  if (newest === undefined || sum === null || sum.drift.frames === 0) return [];
  const { sender, site, robot, node, camera: label, digest, bundle } = newest;
  const view = usualOf(sender, label);
  return [
    {
      site,
      robot,
      camera: `${node} ${label}`,
      digest,
      node,
      label,
      bundle,
      drift: sum.drift,
      usual: view.drift,
      shift: shiftOf(sum, view.usual),
      isNewBundle: view.digests.size > 0 && !view.digests.has(digest),
    },
  ];
}

/** Rollups of one five minutes are of several bundles if the robot changed its bundle in them. */
function newestOf(rows: readonly OwnedRow[]): OwnedRow | undefined {
  const untilMs = Math.max(...rows.map((row) => row.untilMs));
  return rows.findLast((row) => row.untilMs === untilMs);
}
