import type { Limits } from './limit-table.ts';

/** What boxes and tracks follow from besides the model and the images. A pipeline is one, which changes. */
export interface RunSettings {
  /** in force now; another object after each change */
  readonly limits: Limits;
  readonly tracking: boolean;
}
