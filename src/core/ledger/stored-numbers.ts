import type { NumberRange } from './number-set.ts';

/** What the tables have of one stream in one boot, whatever the ledger says of it. */
export interface StoredNumbers {
  readonly stream: string;
  readonly bootId: string;
  readonly stored: readonly NumberRange[];
  /** of all rows; more than in `stored` if a number occurs twice */
  readonly rowNumbers: number;
  readonly declared: readonly NumberRange[];
  /** of messages that are whole in quarantine */
  readonly quarantined: readonly NumberRange[];
}
