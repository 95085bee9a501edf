import type { TriageReport, TriageSubject } from '../../contract/fleet/drift.ts';

type Answer = TriageReport['answers'][number];

/** Of a shift, what is also there against the last days: above this it came at once. */
const SUDDEN = 0.6;
const NAMED = 3;

/** What an explanation is about, in words. */
export function subjectText({ kind, site, robot, camera, bundle }: TriageSubject): string {
  if (kind === 'camera') return `camera ${camera ?? ''} of ${site ?? ''}/${robot ?? ''}`;
  if (kind === 'robot') return `robot ${site ?? ''}/${robot ?? ''}`;
  if (kind === 'site') return `site ${site ?? ''}`;
  if (kind === 'model') return `bundle ${bundle?.name ?? ''}`;
  return 'the whole fleet';
}

interface Facts extends Pick<Answer, 'members' | 'affected' | 'suddenness' | 'causes' | 'features'> {
  /** that are affected */
  readonly robots: number;
}

/** One sentence for a person: what is wrong where, and what it was told by. */
export function answerText(subject: TriageSubject, facts: Facts): string {
  const { affected, members, robots, causes, features } = facts;
  const [cause] = causes;
  const shifts = features
    .slice(0, NAMED)
    .map(({ feature, sigmas }) => `${feature} ${sigmas >= 0 ? '+' : ''}${sigmas.toFixed(1)} sigma`);
  const count =
    members === 1 ? '' : ` (${affected} of ${members} cameras${robots > 1 ? `, ${robots} robots` : ''})`;
  return (
    `${subjectText(subject)}${count}: ${meaningOf(subject, facts)}` +
    `${cause === undefined ? '' : `, ${cause.words}`}; ${shifts.join(', ')}`
  );
}

function meaningOf({ kind }: TriageSubject, { suddenness }: Facts): string {
  if (kind === 'camera') return 'this camera alone changed';
  if (kind === 'robot') return 'the cameras of this robot changed together';
  if (kind === 'site') return 'the robots of this site changed together, such as by its weather';
  if (kind === 'model')
    return 'what the model makes of its images changed, the images did not: the model is suspected';
  return suddenness !== null && suddenness > SUDDEN
    ? 'everything changed at once: no season, but something that all robots got'
    : 'everything changed together, as by a season';
}
