/**
 * Bounds for the result of a sigmoid or softmax. Half-precision and quantized graphs may miss 0 and 1 by a
 * little. Values further off, NaN and infinity mean a broken model and make the image's output invalid.
 */
export const LOWEST_PROBABILITY = -0.01;
export const HIGHEST_PROBABILITY = 1.01;
