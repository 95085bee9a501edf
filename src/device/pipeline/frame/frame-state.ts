import { GoshawkError } from '../../../contract/errors.ts';

/** Where a frame is between its camera and the sinks. The last two are final: it has left the ledger. */
export const FRAME_STATES = [
  /** at its camera's gate, where a newer frame may replace it */
  'waiting',
  /** being brought to the network's size and layout */
  'preparing',
  /** in the batcher */
  'ready',
  /** in the engine, together with the memory of its pixels */
  'inferring',
  /** has its detections and waits for its turn among its camera's frames */
  'detected',
  /** with the publisher */
  'publishing',
  'published',
  'dropped',
] as const;

export type FrameState = (typeof FRAME_STATES)[number];

/** The states that a frame may enter from each state. */
export const FRAME_MOVES: Readonly<Record<FrameState, readonly FrameState[]>> = {
  waiting: ['preparing', 'dropped'],
  preparing: ['ready', 'dropped'],
  ready: ['inferring', 'dropped'],
  inferring: ['detected', 'dropped'],
  detected: ['publishing', 'dropped'],
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
