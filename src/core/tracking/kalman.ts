/**
 * A constant-velocity Kalman filter for a box given by center and size. Transition, measurement and noise act
 * on x, y, width and height independently, so the usual filter with eight states separates without loss into
 * four of two states (value, velocity) that need no matrices.
 *
 * Noise follows ByteTrack and BoT-SORT (Zhang et al. 2022, Aharon et al. 2022): standard deviations in
 * proportion to the box's size, stated there per frame at 30 frames per second and converted here to per
 * second, so that the filter behaves the same at any frame rate and across gaps.
 */

/** Value, velocity per second, and the three distinct entries of the covariance. */
const PER_COORDINATE = 5;

/** Number of values in the filter of one box. */
export const FILTER_SIZE = 4 * PER_COORDINATE;

const REFERENCE_HZ = 30;
/** standard deviation of a measurement, and of the value's drift in one reference frame, as a share of the size */
const POSITION_NOISE = 1 / 20;
/** standard deviation of the velocity's drift in one reference frame, as a share of the size per second */
const VELOCITY_NOISE = REFERENCE_HZ / 160;

/** The size that scales the noise of coordinate 0..3: width for x and width, height for y and height. */
function noiseScale(filters: Float64Array, at: number, coordinate: number): number {
  return Math.max(1, filters[at + PER_COORDINATE * (coordinate % 2 === 0 ? 2 : 3)]!);
}

/** Starts the filter at `filters[at]` from a first box, at zero velocity with high uncertainty. */
export function startFilter(filters: Float64Array, at: number, box: Float64Array): void {
  for (let coordinate = 0; coordinate < 4; coordinate++) {
    filters[at + PER_COORDINATE * coordinate] = box[coordinate]!;
  }
  for (let coordinate = 0; coordinate < 4; coordinate++) {
    const start = at + PER_COORDINATE * coordinate;
    const scale = noiseScale(filters, at, coordinate);
    filters[start + 1] = 0;
    filters[start + 2] = (2 * POSITION_NOISE * scale) ** 2;
    filters[start + 3] = 0;
    filters[start + 4] = (10 * VELOCITY_NOISE * scale) ** 2;
  }
}

/** Moves the filter `seconds` >= 0 ahead. */
export function predictFilter(filters: Float64Array, at: number, seconds: number): void {
  const frames = seconds * REFERENCE_HZ;
  const horizontal = noiseScale(filters, at, 0);
  const vertical = noiseScale(filters, at, 1);
  for (let coordinate = 0; coordinate < 4; coordinate++) {
    const start = at + PER_COORDINATE * coordinate;
    const scale = coordinate % 2 === 0 ? horizontal : vertical;
    const covariance = filters[start + 3]!;
    const velocityVariance = filters[start + 4]!;
    filters[start]! += seconds * filters[start + 1]!;
    filters[start + 2]! +=
      seconds * (2 * covariance + seconds * velocityVariance) + frames * (POSITION_NOISE * scale) ** 2;
    filters[start + 3] = covariance + seconds * velocityVariance;
    filters[start + 4] = velocityVariance + frames * (VELOCITY_NOISE * scale) ** 2;
  }
}

/** Corrects the filter with a measured box (center x, y, width, height). */
export function correctFilter(filters: Float64Array, at: number, box: Float64Array): void {
  const horizontal = noiseScale(filters, at, 0);
  const vertical = noiseScale(filters, at, 1);
  for (let coordinate = 0; coordinate < 4; coordinate++) {
    const start = at + PER_COORDINATE * coordinate;
    const scale = coordinate % 2 === 0 ? horizontal : vertical;
    const variance = filters[start + 2]!;
    const covariance = filters[start + 3]!;
    const total = variance + (POSITION_NOISE * scale) ** 2;
    const gain = variance / total;
    const velocityGain = covariance / total;
    const surprise = box[coordinate]! - filters[start]!;
    filters[start]! += gain * surprise;
    filters[start + 1]! += velocityGain * surprise;
    filters[start + 2] = (1 - gain) * variance;
    filters[start + 3] = (1 - gain) * covariance;
    filters[start + 4]! -= velocityGain * covariance;
  }
}

/** Stops growth or shrinkage: a size that is not measured must not run away. */
export function freezeSize(filters: Float64Array, at: number): void {
  filters[at + 2 * PER_COORDINATE + 1] = 0;
  filters[at + 3 * PER_COORDINATE + 1] = 0;
}

/** Writes the filter's box as corners x1, y1, x2, y2 to `corners[to]`; sizes below 0 count as 0. */
export function filterCorners(filters: Float64Array, at: number, corners: Float32Array, to: number): void {
  const x = filters[at]!;
  const y = filters[at + PER_COORDINATE]!;
  const halfWidth = Math.max(0, filters[at + 2 * PER_COORDINATE]!) / 2;
  const halfHeight = Math.max(0, filters[at + 3 * PER_COORDINATE]!) / 2;
  corners[to] = x - halfWidth;
  corners[to + 1] = y - halfHeight;
  corners[to + 2] = x + halfWidth;
  corners[to + 3] = y + halfHeight;
}
