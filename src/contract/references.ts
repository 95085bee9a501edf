/** Bytes that a bundle's file of references may have at most. */
export const MOST_REFERENCE_BYTES = 200_000;
