import type { CameraPlace, TriageKind } from '../../../core/drift/triage/groups.ts';
import type { Random } from '../../../core/random.ts';
import type { ChangeName } from './looks.ts';

/** A camera of a simulated fleet. */
export interface SimCamera extends CameraPlace {
  /** whose observations it shows */
  readonly street: number;
}

/** What happens to a simulated fleet. */
export interface Incident {
  readonly kind: TriageKind;
  readonly place: CameraPlace;
  /** what becomes of the image, or what the model does */
  readonly change: ChangeName | 'misses' | 'overeager';
  /** numbers of the cameras that it could concern */
  readonly members: readonly number[];
}

type Names = readonly [ChangeName, ...ChangeName[]];
const OF_ONE_CAMERA: Names = ['dirt', 'filth', 'blur', 'tilt', 'noise'];
const OF_A_ROBOT: Names = ['blur', 'noise', 'dark', 'filth'];
const WEATHER: Names = ['fog', 'haze', 'rain', 'downpour', 'dark'];
const NOWHERE: CameraPlace = { site: '', robot: '', camera: '', digest: '' };

/** A fleet of 2 to 6 sites with 2 to 8 robots of 1 to 4 cameras, and two bundles. */
export function simulateFleet(random: Random, streets: number): readonly SimCamera[] {
  const share = random.range(0.25, 0.75);
  return upTo(random.int(2, 6)).flatMap((site) =>
    upTo(random.int(2, 8)).flatMap((robot) => {
      const digest = random.chance(share) ? 'new' : 'old';
      return upTo(random.int(1, 4)).map((camera) => ({
        site: `site-${site}`,
        robot: `robot-${site}-${robot}`,
        camera: `camera-${camera}`,
        digest,
        street: random.int(0, streets - 1),
      }));
    }),
  );
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** Something of a kind happens to a fleet; null if it has nothing that the kind could happen to. */
export function makeIncident(
  kind: TriageKind,
  cameras: readonly SimCamera[],
  random: Random,
): Incident | null {
  const at = random.int(0, cameras.length - 1);
  const one = cameras[at]!;
  const members = (is: (camera: SimCamera) => boolean): number[] =>
    cameras.flatMap((camera, number) => (is(camera) ? number : []));
  const ofRobot = members(({ robot }) => robot === one.robot);
  if (kind === 'camera') return { kind, place: one, change: random.pick(OF_ONE_CAMERA), members: [at] };
  if (kind === 'robot')
    return ofRobot.length < 2
      ? null
      : {
          kind,
          place: { ...one, camera: '', digest: '' },
          change: random.pick(OF_A_ROBOT),
          members: ofRobot,
        };
  if (kind === 'site')
    return {
      kind,
      place: { ...NOWHERE, site: one.site },
      change: random.pick(WEATHER),
      members: members(({ site }) => site === one.site),
    };
  if (kind === 'season') return { kind, place: NOWHERE, change: 'autumn', members: members(() => true) };
  const ofModel = members(({ digest }) => digest === 'new');
  const robots = new Set(ofModel.map((number) => cameras[number]!.robot));
  const change = random.chance(0.5) ? 'misses' : 'overeager';
  return robots.size < 2 ? null : { kind, place: { ...NOWHERE, digest: 'new' }, change, members: ofModel };
}
