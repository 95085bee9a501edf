import { describeCandidate, describeCheck, describeDeviation } from '../../contract/engine-choice.ts';
import type { EngineInfo } from './engine.ts';

type Chosen = Pick<EngineInfo, 'variant' | 'provider' | 'exactInt8' | 'referenceCheck' | 'choice'>;

/** One log line. */
export interface ChoiceLine {
  readonly level: 'info' | 'warn';
  readonly text: string;
}

/** Log lines: which variant runs and why, the result of its reference check, and what was refused. */
export function describeChoice(info: Chosen): ChoiceLine[] {
  const { choice, referenceCheck } = info;
  return [
    ...choice.notes.map((text): ChoiceLine => ({ level: 'warn', text })),
    ...refusedOf(info).map((refusal): ChoiceLine => ({ level: 'warn', text: `refused: ${refusal}` })),
    {
      level: choice.how === 'busy' ? 'warn' : 'info',
      text: `variant: ${describeCandidate(info)}; ${choice.why}`,
    },
    { level: 'info', text: `reference check: ${describeCheck(referenceCheck)}` },
  ];
}

/** Ways to run the bundle that failed the reference check, with their deviations. */
export function refusedOf({ choice }: Pick<Chosen, 'choice'>): string[] {
  return choice.candidates
    .filter(({ check }) => check.verdict === 'refused')
    .map((candidate) => `${describeCandidate(candidate)}: ${describeDeviation(candidate.check)}`);
}
