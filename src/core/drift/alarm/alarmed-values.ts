import { OBSERVED, PLACE } from '../observe/observed.ts';
import { Placed, type ContextSpace } from '../space/context-space.ts';
import { ALARMED } from './alarmed.ts';

/** What the alarm looks at, of one observation and as it looks from one context. */
export class AlarmedValues {
  /** in the order of `ALARMED`; those that are observed come first */
  readonly all = new Float64Array(ALARMED.length);
  readonly placed: Placed;

  constructor(space: ContextSpace) {
    this.placed = new Placed(space);
  }

  /** @param pattern of the observation in the context */
  update(observation: ArrayLike<number>, pattern: number): void {
    for (let i = 0; i < OBSERVED.length; i++) this.all[i] = observation[i]!;
    this.all[PLACE.pattern] = pattern;
    this.placed.place(this.all);
    this.all.set(this.placed.likenesses, OBSERVED.length);
  }
}
