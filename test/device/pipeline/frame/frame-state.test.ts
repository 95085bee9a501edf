import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkMove,
  FRAME_MOVES,
  isFinal,
  type FrameState,
} from '../../../../src/device/pipeline/frame/frame-state.ts';

const FRAME_STATES = Object.keys(FRAME_MOVES) as FrameState[];
const anyState = fc.constantFrom(...FRAME_STATES);

/** A walk by legal moves from the gate to a final state; `turns` picks among the moves. */
function walk(turns: readonly number[]): FrameState[] {
  const states: FrameState[] = ['waiting'];
  for (let i = 0; ; i++) {
    const moves = FRAME_MOVES[states.at(-1)!];
    if (moves.length === 0) return states;
    states.push(checkMove(states.at(-1)!, moves[(turns[i] ?? 0) % moves.length]!));
  }
}

describe('frame states', () => {
  it('law: a move succeeds exactly if it is in the table; any other is an error that names both states', () => {
    fc.assert(
      fc.property(anyState, anyState, (from, to) => {
        if (FRAME_MOVES[from].includes(to)) expect(checkMove(from, to)).toBe(to);
        else
          expect(() => checkMove(from, to)).toThrow(
            expect.objectContaining({
              code: 'GOSHAWK_INTERNAL',
              message: expect.stringContaining(`a frame that is ${from} cannot become ${to}`) as string,
            }),
          );
      }),
    );
  });

  it('law: whatever its moves, a frame soon ends as either published or dropped', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(7)), (turns) => {
        const states = walk(turns);
        expect(states.length).toBeLessThanOrEqual(FRAME_STATES.length);
        expect(new Set(states).size).toBe(states.length);
        expect(states.filter(isFinal)).toEqual([states.at(-1)]);
        expect(['published', 'dropped']).toContain(states.at(-1));
      }),
    );
  });

  it('allows a drop from every state that is not final', () => {
    for (const state of FRAME_STATES)
      expect(FRAME_MOVES[state].includes('dropped'), state).toBe(!isFinal(state));
  });
});
