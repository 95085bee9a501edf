/** A block of street: an intersection at its start, then houses up to the next one; meters. */
export const BLOCK_LENGTH = 56;
/** Depth of the intersection, from the block's start, in meters. */
export const CROSSING = 10;
