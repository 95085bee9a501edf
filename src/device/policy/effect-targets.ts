import type { LimitsPatch } from '../pipeline/limit-table.ts';
import type { PublishText } from '../runtime/part.ts';

/** What rules act upon. */
export interface EffectTargets {
  /** null without a session. @throws GoshawkError for limits that do not fit */
  readonly overrideLimits: ((patch: LimitsPatch) => void) | null;
  /** null without ROS */
  readonly publishText: PublishText | null;
  /**
   * Resolves with false if no model can be loaded now, for a reason that says nothing about the bundle. Null without a
   * session, or while it ends.
   * @param reference null: the configured bundle
   */
  readonly swapModel: ((reference: string | null) => Promise<boolean>) | null;
}

/** Gets what could not be carried out, and `null` when it can again. @param rule name, or names */
export type OnTrouble = (rule: string, action: string, reason: string | null) => void;
