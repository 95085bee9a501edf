/**
 * Bounds of what a sigmoid or softmax may give. Half precision and quantized graphs miss 0 and 1 by a little;
 * what is further off, NaN and infinity are the marks of a broken model and make the image's output invalid.
 */
export const LOWEST_PROBABILITY = -0.01;
export const HIGHEST_PROBABILITY = 1.01;
