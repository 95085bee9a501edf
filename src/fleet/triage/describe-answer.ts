import type { TriageReport, TriageSubject } from '../../contract/fleet/drift.ts';
import { addCounts, meanOf, type FeatureCounts } from '../../core/drift/feature-counts.ts';
import { countOf } from '../../core/edge-histogram.ts';
import { FEATURES, type FeatureName } from '../../core/drift/features.ts';
import { likelyCause } from '../../core/drift/triage/likely-cause.ts';
import type { Alternative, TriageAnswer } from '../../core/drift/triage/triage.ts';
import type { CameraDrift } from '../../core/drift/camera-drift.ts';
import type { ComparedCamera } from './compared-cameras.ts';
import { answerText, subjectText } from './words.ts';

type Answer = TriageReport['answers'][number];
type Feature = Answer['features'][number];

const MAX_CAMERAS = 50;

/** An answer with the evidence that people look at. @param cameras all that its numbers are of */
export function describeAnswer(answer: TriageAnswer, cameras: readonly ComparedCamera[]): Answer {
  const affected = answer.affected.map((number) => cameras[number]!);
  const features = answer.features.map((one) => featureOf(one, affected));
  const causes = answer.kind === 'model' ? [] : causesOf(affected, features);
  const subject = subjectOf(answer, cameras);
  const counts = {
    members: answer.members.length,
    affected: affected.length,
    robots: new Set(affected.map(({ site, robot }) => `${site}/${robot}`)).size,
  };
  const starts = affected.flatMap(({ drift }) => drift.verdict?.since ?? []).sort();
  return {
    ...subject,
    text: answerText(subject, { ...counts, suddenness: answer.suddenness, causes, features }),
    certainty: answer.certainty,
    explained: answer.explained,
    suddenness: answer.suddenness,
    members: counts.members,
    affected: counts.affected,
    since: starts[0] ?? null,
    causes,
    features,
    cameras: camerasOf(affected),
    alternatives: answer.alternatives.map((other) => {
      const theirs = subjectOf(other, cameras);
      return { ...theirs, text: subjectText(theirs) };
    }),
  };
}

/** What an explanation is about, with the names of its first camera for what all of them share. */
function subjectOf({ kind, place, score }: Alternative, cameras: readonly ComparedCamera[]): TriageSubject {
  const is = (camera: ComparedCamera): boolean =>
    (place.site === '' || camera.site === place.site) &&
    (place.robot === '' || camera.robot === place.robot) &&
    (place.camera === '' || camera.camera === place.camera) &&
    (place.digest === '' || camera.digest === place.digest);
  const one = cameras.find(is);
  if (one === undefined || kind === 'season') return { kind, score };
  const { site, robot, node, label, bundle, digest } = one;
  if (kind === 'model') return { kind, score, bundle: { name: bundle, digest } };
  if (kind === 'site') return { kind, score, site };
  if (kind === 'robot') return { kind, score, site, robot };
  return { kind, score, site, robot, node, camera: label, ...bundleOf(one) };
}

function bundleOf({ bundle, digest }: ComparedCamera): Pick<TriageSubject, 'bundle'> {
  return digest === '' ? {} : { bundle: { name: bundle, digest } };
}

function featureOf(
  { feature, sigmas }: TriageAnswer['features'][number],
  affected: readonly ComparedCamera[],
): Feature {
  if (!Object.hasOwn(FEATURES, feature))
    return { ...fromVerdicts(feature, affected), feature, unit: '', sigmas };
  const name = feature as FeatureName;
  const now = countsOf(
    name,
    affected.map(({ drift }) => drift),
  );
  const usual = countsOf(
    name,
    affected.flatMap(({ usual: one }) => one ?? []),
  );
  const { unit, edges } = FEATURES[name];
  const named = { feature, unit, sigmas };
  if (usual === null) {
    const { usual: reference } = fromVerdicts(feature, affected);
    return { ...named, now: now === null ? null : meanOf(name, now), usual: reference, histograms: null };
  }
  return {
    ...named,
    now: now === null ? null : meanOf(name, now),
    usual: meanOf(name, usual),
    histograms:
      now === null
        ? null
        : {
            edges: [...edges],
            now: sharesOf(now, edges.length + 1),
            usual: sharesOf(usual, edges.length + 1),
          },
  };
}

/** A feature without histograms: the means over the verdicts that name it. */
function fromVerdicts(
  feature: string,
  affected: readonly ComparedCamera[],
): Pick<Feature, 'now' | 'usual' | 'histograms'> {
  const named = affected.flatMap(({ drift }) =>
    (drift.verdict?.features ?? []).filter((one) => one.feature === feature),
  );
  const mean = (of: (one: (typeof named)[number]) => number): number | null =>
    named.length === 0 ? null : named.reduce((sum, one) => sum + of(one), 0) / named.length;
  return { now: mean(({ now }) => now), usual: mean(({ reference }) => reference), histograms: null };
}

function countsOf(name: FeatureName, drifts: readonly CameraDrift[]): FeatureCounts | null {
  const all = drifts.flatMap(({ features }) => features[name] ?? []);
  const [first, ...others] = all;
  return first === undefined ? null : others.reduce(addCounts, first);
}

function sharesOf(counts: FeatureCounts, bins: number): number[] {
  const total = countOf(counts);
  const shares = new Array<number>(bins).fill(0);
  counts.counts.forEach((count, at) => {
    if (counts.first + at < bins) shares[counts.first + at] = count / total;
  });
  return shares;
}

/** What verdicts name, or else what the common shift looks like. */
function causesOf(affected: readonly ComparedCamera[], features: readonly Feature[]): Answer['causes'] {
  const named = new Map<string, { name: string; words: string; cameras: number }>();
  for (const { drift } of affected) {
    const cause = drift.verdict?.cause ?? null;
    if (cause === null) continue;
    const { name, words } = cause;
    named.set(name, { name, words, cameras: (named.get(name)?.cameras ?? 0) + 1 });
  }
  if (named.size > 0)
    return [...named.values()].sort((one, other) => other.cameras - one.cameras).slice(0, 5);
  const likely = likelyCause(
    features.flatMap(({ feature, sigmas, now, usual }) =>
      now === null || usual === null ? [] : { feature, sigmas, now, reference: usual },
    ),
  );
  return likely === null ? [] : [{ ...likely, cameras: affected.length }];
}

function camerasOf(affected: readonly ComparedCamera[]): Answer['cameras'] {
  return affected
    .map(({ site, robot, node, label, bundle, digest, drift, shift }) => ({
      site,
      robot,
      node,
      camera: label,
      bundle: digest === '' ? null : { name: bundle, digest },
      size: Math.sqrt((shift?.now ?? new Float64Array()).reduce((sum, one) => sum + (one * one || 0), 0)),
      state: drift.verdict?.state ?? null,
    }))
    .sort((one, other) => other.size - one.size)
    .slice(0, MAX_CAMERAS);
}
