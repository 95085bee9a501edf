import type { Picture } from '../../../core/corruption/picture.ts';
import type { TruthBox } from '../../../core/evaluation/boxes.ts';
import type { Conditions } from '../../../sim/drawing/conditions.ts';

/** Pictures with their objects, of one scene mix: what is shown, and in what light. */
export interface LabeledPictures {
  readonly mix: string;
  /** frames per second of a sequence; null for pictures that do not follow each other */
  readonly rate: number | null;
  /** indices of pictures that a new sequence begins at */
  readonly starts: ReadonlySet<number>;
  /** files of the pictures, relative to their folder; absent for what was drawn */
  readonly names?: readonly string[];
  /** draws a picture's scene in other conditions; only for what was drawn */
  readonly redraw?: (index: number, change: (own: Conditions) => Conditions) => Picture;
  readonly count: number;
  /** a picture as it is: one is in memory at a time. @throws GoshawkError for a file that is no image */
  read(index: number): Promise<Picture>;
  readonly truths: readonly TruthBox[];
}
