import { GoshawkError } from '../../../contract/errors.ts';

/** Where a frame is between its camera and the sinks. The last two are final: it has left the ledger. */
export type FrameState =
  'waiting' | 'preparing' | 'ready' | 'inferring' | 'detected' | 'publishing' | 'published' | 'dropped';

/** The states that a frame may enter from each state. */
export const FRAME_MOVES: Readonly<Record<FrameState, readonly FrameState[]>> = {
  /** at its gate, where a newer frame may replace it */
  waiting: ['preparing', 'dropped'],
  /** being brought to the network's size and layout */
  preparing: ['ready', 'dropped'],
  /** in the batcher */
  ready: ['inferring', 'dropped'],
  /** in the engine, together with the memory of its pixels */
  inferring: ['detected', 'dropped'],
  /** has its detections and waits for its turn among its camera's frames */
  detected: ['publishing', 'dropped'],
  /** with the publisher */
  publishing: ['published', 'dropped'],
  published: [],
  dropped: [],
};

/** True for a frame that was published or dropped, and must not be counted again. */
export function isFinal(state: FrameState): boolean {
  return FRAME_MOVES[state].length === 0;
}

/**
 * Returns `to` if a frame may go there.
 * @throws GoshawkError `GOSHAWK_INTERNAL` for a move that is not in the table
 */
export function checkMove(from: FrameState, to: FrameState): FrameState {
  if (FRAME_MOVES[from].includes(to)) return to;
  throw new GoshawkError('GOSHAWK_INTERNAL', { reason: `a frame that is ${from} cannot become ${to}` });
}
