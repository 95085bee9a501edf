/** Length of a block of street, from one intersection to the next, in meters. */
export const BLOCK_LENGTH = 56;
/** Depth of the intersection, from the block's start, in meters. */
export const CROSSING = 10;
