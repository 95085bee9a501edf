import type { VariantChoice } from '../../contract/engine-choice.ts';
import type { ModelRequest } from './runner-messages.ts';
import type { ProviderCandidate, ProviderChoice } from './providers.ts';

/** What an engine is to run: candidates in the order in which they are tried, and why. */
export interface EnginePlan extends ProviderChoice {
  readonly requestFor: (candidate: ProviderCandidate) => ModelRequest;
  readonly choice: VariantChoice;
  /** what a trial found not to give what it gave when it was evaluated, in words */
  readonly mismatches: readonly string[];
}
