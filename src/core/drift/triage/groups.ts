import { groupBy } from '../../group-by.ts';

/**
 * What is wrong where.
 * - `camera`: one camera of one robot, such as a dirty lens
 * - `robot`: all cameras of one robot
 * - `site`: the robots of one site, such as its weather
 * - `season`: the whole fleet, whatever its models
 * - `model`: the robots with one bundle, at whatever site
 */
export const TRIAGE_KINDS = ['camera', 'robot', 'site', 'season', 'model'] as const;

export type TriageKind = (typeof TRIAGE_KINDS)[number];

/** Where a camera belongs. */
export interface CameraPlace {
  readonly site: string;
  readonly robot: string;
  readonly camera: string;
  /** of the bundle; empty for none */
  readonly digest: string;
}

/** Cameras that one answer would be about. */
export interface CameraGroup {
  readonly kind: TriageKind;
  /** a place that all of them share; empty for what they differ in */
  readonly place: CameraPlace;
  /** by number, at least one */
  readonly members: readonly number[];
}

const NOWHERE: CameraPlace = { site: '', robot: '', camera: '', digest: '' };

/**
 * Every group that an answer may be about. Groups that are the same as a smaller kind are left out: the cameras of a
 * robot with one camera, the robots of a site with one robot, the fleet of one site, the bundle of one robot.
 */
export function groupsOf(cameras: readonly CameraPlace[]): readonly CameraGroup[] {
  const numbers = cameras.map((_camera, number) => number);
  const by = (key: (place: CameraPlace) => string): number[][] => [
    ...groupBy(numbers, (number) => key(cameras[number]!)).values(),
  ];
  const robotOf = ({ site, robot }: CameraPlace): string => JSON.stringify([site, robot]);
  const distinct = (members: readonly number[], key: (place: CameraPlace) => string): number =>
    new Set(members.map((number) => key(cameras[number]!))).size;
  const first = (members: readonly number[]): CameraPlace => placeOf(cameras[members[0] ?? 0] ?? NOWHERE);
  const robots = by(robotOf).filter((members) => members.length > 1);
  const sites = by(({ site }) => site).filter((members) => distinct(members, robotOf) > 1);
  const models = by(({ digest }) => digest).filter(
    (members) => first(members).digest !== '' && distinct(members, robotOf) > 1,
  );
  const isFleet = distinct(numbers, ({ site }) => site) > 1;
  return [
    ...numbers.map((number) => groupAt('camera', placeOf(cameras[number]!), [number])),
    ...robots.map((members) => groupAt('robot', { ...first(members), camera: '', digest: '' }, members)),
    ...sites.map((members) => groupAt('site', { ...NOWHERE, site: first(members).site }, members)),
    ...(isFleet ? [groupAt('season', NOWHERE, numbers)] : []),
    ...models.map((members) => groupAt('model', { ...NOWHERE, digest: first(members).digest }, members)),
  ];
}

const placeOf = ({ site, robot, camera, digest }: CameraPlace): CameraPlace => ({
  site,
  robot,
  camera,
  digest,
});

const groupAt = (kind: TriageKind, place: CameraPlace, members: readonly number[]): CameraGroup => ({
  kind,
  place,
  members,
});
