import type { CANDIDATE_VERDICTS } from '../../contract/optimize.ts';
import { holdsFloor, isFaster, isNotSlower, isSmaller, type Ranked } from './choose.ts';
import { isTensorrt, takenOf, type Choice, type Finalist } from './finish.ts';
import { needsExactInt8 } from './candidate-builder.ts';

export type Verdict = (typeof CANDIDATE_VERDICTS)[number];

export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Maximum number of names in a sentence. */
const MAX_NAMED = 3;

/** AP in points. */
export function inPoints(drop: number): string {
  return `${(100 * drop).toFixed(2)} points`;
}

function times(ratio: number): string {
  return ratio < 1 ? `${(1 / ratio).toFixed(2)} times as fast` : `${ratio.toFixed(2)} times the latency`;
}

/** Why a candidate was chosen or not, in words. */
export function judge(entry: Ranked, choice: Choice, maxApDrop: number): Judgement {
  const { candidate, estimate } = entry;
  const { failure, plan, latency, accuracy, bytes } = candidate;
  if (failure !== null) return { verdict: 'failed', reason: failure };
  if (accuracy === null) {
    return { verdict: 'refused', reason: `${slower(entry)}; its accuracy was not measured` };
  }
  const roles: [Finalist | null, Verdict, string][] = [
    [choice.fastest, 'chosen', 'the fastest on this machine'],
    [choice.portable, 'kept', 'the fastest that computes the same on every CPU'],
    [choice.exact, 'kept', 'the most accurate for CPUs with exact 8-bit sums; this one saturates'],
    [choice.smallest, 'kept', 'the smallest variant that is not slower'],
    [choice.float, 'kept', 'the float variant, for other providers'],
    [choice.tensorrt, 'kept', 'the variant for TensorRT'],
  ];
  for (const [finalist, verdict, reason] of roles) {
    if (finalist?.candidate.plan.id === plan.id) return { verdict, reason };
  }
  const contradicted = choice.contradicted.find(({ candidate: other }) => other.plan.id === plan.id);
  if (contradicted !== undefined) {
    return {
      verdict: 'refused',
      reason: `it lost ${inPoints(contradicted.trial.drop)} on the choice part, which the search did not use`,
    };
  }
  if (!holdsFloor(entry, maxApDrop)) {
    const expected = `${inPoints(estimate.drop)} expected, ${inPoints(estimate.deviation)} uncertain`;
    return { verdict: 'refused', reason: `over the floor of ${inPoints(maxApDrop)}: ${expected}` };
  }
  if (isTensorrt(entry)) return { verdict: 'accepted', reason: 'another one for TensorRT was kept' };
  if (latency === null) {
    return { verdict: 'accepted', reason: 'not timed: it needs exact 8-bit sums, and this CPU saturates' };
  }
  if (!isNotSlower(entry)) return { verdict: 'refused', reason: slower(entry) };
  const original = choice.original.candidate;
  if (!isFaster(entry) && !isSmaller(bytes, original.bytes)) {
    return { verdict: 'refused', reason: `it gains nothing: ${times(latency.ratio)}, ${bytes} bytes` };
  }
  return { verdict: 'accepted', reason: 'within the floor, but another is faster or smaller' };
}

function slower({ candidate: { plan, latency } }: Ranked): string {
  const measured = `slower than the original on the CPU provider: ${times(latency?.ratio ?? 1)}`;
  return plan.kind === 'half' ? `${measured}; no provider that benefits from fp16 is available` : measured;
}

/** What the fastest variant requires of CPUs, and what others run. */
function describeArithmetic({ fastest, portable, exact }: Choice): string[] {
  const { plan } = fastest.candidate;
  const elsewhere =
    exact === null
      ? []
      : [
          `${exact.candidate.plan.id} is for CPUs with exact 8-bit sums (VNNI, ARM), where it loses ` +
            `${inPoints(exact.final.drop)}, evaluated here with exact kernels; its speed there was not measured.`,
        ];
  if (plan.kind !== 'static') return elsewhere;
  if (!needsExactInt8(plan)) return ['Its 8-bit sums saturate on no CPU.', ...elsewhere];
  if (portable === null) {
    return [
      'It needs exact 8-bit sums (VNNI, ARM); no variant that computes the same on every CPU was found.',
    ];
  }
  const { latency } = portable.candidate;
  const speed = latency === null ? '' : `, ${times(latency.ratio)} here`;
  return [
    `It needs exact 8-bit sums (VNNI, ARM); ${portable.candidate.plan.id} computes the same ` +
      `on every CPU${speed}, and loses ${inPoints(portable.final.drop)}.`,
  ];
}

/** What there was no time for; empty if everything was tried. */
function describeNotTried(notTried: readonly string[]): string[] {
  if (notTried.length === 0) return [];
  const names = notTried.slice(0, MAX_NAMED).join(', ');
  const more = notTried.length > MAX_NAMED ? ', ...' : '';
  const what = notTried.length === 1 ? '1 candidate was' : `${notTried.length} candidates were`;
  return [
    `The time budget ended before ${what} tried (${names}${more}), along with what would ` +
      'have followed: a longer --time-budget continues from here and may find more.',
  ];
}

/**
 * Variants that lose more on the final part than allowed. They stay in the bundle, because replacing them
 * would be choosing by the final part.
 */
function describeFinalPart(choice: Choice, maxApDrop: number): string[] {
  const over = takenOf(choice).filter(({ final }) => final.drop > maxApDrop);
  if (over.length === 0) return [];
  const names = over
    .map(({ candidate, final }) => `${candidate.plan.id} (${inPoints(final.drop)})`)
    .join(', ');
  return [
    `On the final part, more is lost than the floor of ${inPoints(maxApDrop)} allows: ` +
      `${names}. More labeled images or a lower --max-ap-drop make the choice more reliable.`,
  ];
}

/** The outcome in a few sentences. */
export function describeOutcome(
  choice: Choice,
  maxApDrop: number,
  notTried: readonly string[],
): { gained: boolean; text: string } {
  const { fastest, smallest, original, contradicted } = choice;
  const { latency, bytes } = fastest.candidate;
  const before = original.candidate;
  const faster = isFaster(fastest);
  const sizes = (size: number): string => `${((100 * size) / before.bytes).toFixed(0)} % of the bytes`;
  const lines: string[] = [];
  if (faster) {
    lines.push(
      `${fastest.candidate.plan.id} is ${times(latency!.ratio)} at ${sizes(bytes)}; on images ` +
        `not used for choosing it loses ${inPoints(fastest.final.drop)}.`,
    );
  } else {
    const what = notTried.length === 0 ? 'Nothing' : 'Nothing that was tried';
    lines.push(
      `${what} within the floor of ${inPoints(maxApDrop)} is faster than the float graph on this ` +
        'machine, so that stays first.',
    );
  }
  lines.push(...describeNotTried(notTried));
  lines.push(...describeArithmetic(choice));
  if (smallest !== null) {
    lines.push(
      `${smallest.candidate.plan.id} takes ${sizes(smallest.candidate.bytes)} and is not ` +
        `slower; it loses ${inPoints(smallest.final.drop)}.`,
    );
  }
  if (contradicted.length > 0) {
    const names = contradicted.map(({ candidate }) => candidate.plan.id).join(', ');
    lines.push(`Not taken, because the choice part contradicts the search: ${names}.`);
  }
  lines.push(...describeFinalPart(choice, maxApDrop));
  if (choice.meetsLatency === false) lines.push('The requested latency is not met.');
  return { gained: faster || smallest !== null || isSmaller(bytes, before.bytes), text: lines.join(' ') };
}
