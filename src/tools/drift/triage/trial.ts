import { shiftOf } from '../../../core/drift/triage/camera-shift.ts';
import type { TriageKind } from '../../../core/drift/triage/groups.ts';
import { triage, type TriageAnswer, type TriagedCamera } from '../../../core/drift/triage/triage.ts';
import { usualOf, type EarlierDay } from '../../../core/drift/triage/usual.ts';
import type { CameraDrift } from '../../../core/drift/camera-drift.ts';
import { OBSERVED, type ObservedName } from '../../../core/drift/observe/observed.ts';
import { NO_STATES, type StateCounts } from '../../../core/drift/drift-rollup.ts';
import type { Random } from '../../../core/random.ts';
import { makeIncident, simulateFleet, type Incident, type SimCamera } from './incidents.ts';
import type { StreetLooks } from './looks.ts';
import {
  MODEL_CHANGES,
  SHARED,
  featureSpread,
  windowFrom,
  type ModelChange,
  type Offset,
  type Rows,
} from './sim-windows.ts';

/** A simulated day's work of triage. */
export interface TriageTrial {
  readonly incidents: readonly Incident[];
  readonly answers: readonly TriageAnswer[];
  readonly cameras: readonly TriagedCamera[];
}

/** Frames of a window that count, and of an earlier day. */
const FRAMES = 30;
/** A robot is off, a camera that a cause spares, a robot with a reference, a robot that is new. */
const OFFLINE = 0.1;
const SPARED = 0.08;
const NEW_ROBOT = 0.1;
const FALSE_ALARM = 0.01;
/** How much days, cameras and sites differ, in deviations of observations. */
const BY_CAMERA = 0.5;
const BY_DAY = 0.3;
const BY_SITE_AND_DAY = 0.2;
/** Of verdicts, over what an alarm needs; that of false ones is e or more with a probability of 1 / e. */
const MAX_EVIDENCE = 10;
/** The shift that robots with a reference notice. */
const NOTICED = 1.2;

/** A fleet, what happens to it, and what triage makes of it. @param kinds of the incidents; none: nothing happens */
export function runTriageTrial(
  looks: readonly StreetLooks[],
  kinds: readonly TriageKind[],
  random: Random,
): TriageTrial {
  const cameras = simulateFleet(random, looks.length);
  const incidents = kinds.flatMap((kind) => makeIncident(kind, cameras, random) ?? []);
  if (incidents.length < kinds.length || !incidents.every((one) => isVisible(one, cameras, looks)))
    return runTriageTrial(looks, kinds, random);
  const concerned = incidents.map(
    ({ kind, members }) =>
      new Set(members.filter(() => kind === 'camera' || kind === 'robot' || !random.chance(SPARED))),
  );
  const offline = new Set(
    [...new Set(cameras.map(({ robot }) => robot))].filter(() => random.chance(OFFLINE)),
  );
  const reference = random.pick([0.5, 0.8, 1] as const);
  const isRollout = random.chance(0.7);
  const weather = new Map<string, Offset>();
  const triaged = cameras.map((camera, number): TriagedCamera => {
    const own = incidents.filter((_incident, at) => concerned[at]!.has(number));
    const isOff = offline.has(camera.robot) && !own.some(({ kind }) => kind === 'camera' || kind === 'robot');
    const shift = isOff
      ? null
      : simulateShift(looks[camera.street]!, camera.site, own, weather, reference, random);
    return { ...camera, shift, isNewBundle: isRollout && camera.digest === 'new' };
  });
  const isKnown = incidents.every(
    ({ members }) => members.filter((number) => triaged[number]?.shift !== null).length > members.length / 2,
  );
  // what nobody compares with anything, nobody can tell
  return isKnown
    ? { incidents, cameras: triaged, answers: triage(triaged) }
    : runTriageTrial(looks, kinds, random);
}

/** Whether most of its cameras show it: nobody could tell what an incident that changes nothing is. */
function isVisible(
  { change, members }: Incident,
  cameras: readonly SimCamera[],
  looks: readonly StreetLooks[],
): boolean {
  if (change in MODEL_CHANGES) return true;
  const showing = members.filter((number) => {
    const { clear, changed } = looks[cameras[number]!.street]!;
    const offset = differenceOf(clear, changed[change as keyof typeof changed]);
    return OBSERVED.some(
      (name) =>
        !UNJUDGED.has(name) &&
        Math.abs(offset[name] ?? 0) > NOTICED * (featureSpread(clear, name)?.deviation ?? Infinity),
    );
  });
  return showing.length > members.length / 2;
}

function simulateShift(
  { clear, changed }: StreetLooks,
  site: string,
  incidents: readonly Incident[],
  weather: Map<string, Offset>,
  reference: number,
  random: Random,
): TriagedCamera['shift'] {
  const own = offsetOf(clear, BY_CAMERA, random);
  const weatherOf = (daysAgo: number): Offset => {
    const key = `${site} ${daysAgo}`;
    if (!weather.has(key)) weather.set(key, offsetOf(clear, BY_SITE_AND_DAY, random));
    return weather.get(key)!;
  };
  const ofDay = (daysAgo: number): Offset => {
    return sumOf(own, weatherOf(daysAgo), offsetOf(clear, BY_DAY, random));
  };
  const season = incidents.some(({ kind }) => kind === 'season') ? differenceOf(clear, changed.autumn) : {};
  const days = random.chance(NEW_ROBOT) ? 0 : random.int(8, 20);
  const earlier = Array.from({ length: days }, (_, at): EarlierDay => {
    const daysAgo = at < 3 ? at + 1 : at + 4;
    const offset = sumOf(ofDay(daysAgo), scaled(season, Math.max(0, 1 - daysAgo / 24)));
    return { daysAgo, drift: windowFrom(clear, FRAMES, { offset, model: null }, random) };
  });
  const model =
    incidents.flatMap(({ change }) => (change in MODEL_CHANGES ? (change as ModelChange) : []))[0] ?? null;
  const images = incidents.filter(({ kind }) => kind !== 'model' && kind !== 'season');
  const [first, ...others] = images.map(({ change }) => changed[change as keyof typeof changed]);
  const rest = others.map((rows) => differenceOf(clear, rows));
  const day = offsetOf(clear, BY_DAY, random);
  const offset = sumOf(own, weatherOf(0), day, season, ...rest);
  const drift = windowFrom(first ?? clear, FRAMES, { offset, model }, random);
  const usual = usualOf(earlier);
  const isJudged = random.chance(reference);
  const shown = { clear, offset: sumOf(weatherOf(0), day, season, ...rest, modelOffset(clear, model)) };
  const judged = isJudged ? judge(drift, first ?? clear, shown, random) : { drift, states: NO_STATES };
  return shiftOf(judged, usual);
}

/** A verdict as a robot with a reference would give it. */
function judge(
  drift: CameraDrift,
  rows: Rows,
  { clear, offset }: { readonly clear: Rows; readonly offset: Offset },
  random: Random,
): { readonly drift: CameraDrift; readonly states: StateCounts } {
  const features = OBSERVED.flatMap((feature) => {
    const [before, after] = [featureSpread(clear, feature), featureSpread(rows, feature)];
    if (before === null || after === null || UNJUDGED.has(feature)) return [];
    const now = after.mean + (offset[feature] ?? 0);
    const sigmas = (now - before.mean) / Math.max(1e-4, before.deviation);
    return [
      { feature, share: 0.2, now, reference: before.mean, sigmas, wasserstein: Math.abs(sigmas), psi: 1 },
    ];
  }).sort((one, other) => Math.abs(other.sigmas) - Math.abs(one.sigmas));
  const isSeen = Math.abs(features[0]?.sigmas ?? 0) > NOTICED;
  const isDrifted = isSeen || random.chance(FALSE_ALARM);
  const state = isDrifted ? 'drifted' : 'ok';
  const verdict = {
    at: '2026-01-01T00:00:00.000Z',
    state,
    evidence: isSeen ? MAX_EVIDENCE : isDrifted ? Math.min(MAX_EVIDENCE, 1 / random.range(0, 1)) : 0,
    since: null,
    context: 'day',
    features: isDrifted ? features.slice(0, 5) : [],
    cause: null,
  } as const;
  return { drift: { ...drift, verdict }, states: { ...NO_STATES, [state]: 1 } };
}

/** The number of a class has no mean. */
const UNJUDGED: ReadonlySet<string> = new Set(['top_class']);

function offsetOf(clear: Rows, size: number, random: Random): Offset {
  const offset: Partial<Record<ObservedName, number>> = {};
  for (const name of SHARED)
    offset[name] = size * random.bell() * (featureSpread(clear, name)?.deviation ?? 0);
  return offset;
}

/** What a change of the model adds to the means of a clear day. */
function modelOffset(clear: Rows, model: ModelChange | null): Offset {
  const factors: Offset = model === null ? {} : MODEL_CHANGES[model];
  return Object.fromEntries(
    Object.entries(factors).map(([name, factor]) => [
      name,
      (factor - 1) * (featureSpread(clear, name as ObservedName)?.mean ?? 0),
    ]),
  );
}

function differenceOf(clear: Rows, changed: Rows): Offset {
  const offset: Partial<Record<ObservedName, number>> = {};
  for (const name of OBSERVED)
    offset[name] = (featureSpread(changed, name)?.mean ?? 0) - (featureSpread(clear, name)?.mean ?? 0);
  return offset;
}

function sumOf(...offsets: readonly Offset[]): Offset {
  const sum: Partial<Record<ObservedName, number>> = {};
  for (const name of OBSERVED) sum[name] = offsets.reduce((all, one) => all + (one[name] ?? 0), 0);
  return sum;
}

function scaled(offset: Offset, factor: number): Offset {
  return Object.fromEntries(Object.entries(offset).map(([name, value]) => [name, value * factor]));
}

/** Whether an incident is among as many first answers as there are incidents. */
export function isRight({ incidents, answers }: TriageTrial, incident: Incident): boolean {
  return answers.slice(0, incidents.length).some(({ kind, place }) => {
    const { site, robot, camera, digest } = incident.place;
    if (kind !== incident.kind) return false;
    if (kind === 'model') return place.digest === digest;
    return place.site === site && place.robot === robot && (kind !== 'camera' || place.camera === camera);
  });
}
