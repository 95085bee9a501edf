import type { VariantChoice } from '../../contract/engine-choice.ts';
import type { ModelRequest } from './runner-messages.ts';
import type { ProviderCandidate, ProviderChoice } from './providers.ts';

/** What an engine should run: candidates in the order in which they are tried, and why. */
export interface EnginePlan extends ProviderChoice {
  readonly requestFor: (candidate: ProviderCandidate) => ModelRequest;
  readonly choice: VariantChoice;
  /** what failed the reference check in a trial, in words */
  readonly mismatches: readonly string[];
}
