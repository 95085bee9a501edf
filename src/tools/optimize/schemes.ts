import type { Scheme } from './quantizer-messages.ts';

/** A scheme before the layers that stay in float are known. */
export type BaseScheme = Omit<Scheme, 'keepFloat'>;

/** Everything in int8 for the CPU, with the simplest ranges. */
export const CPU_SCHEME: BaseScheme = {
  calibration: 'minmax',
  percentile: 100,
  perChannel: true,
  equalize: false,
  biasCorrection: false,
  target: 'cpu',
  opTypes: 'all',
  packFloat: false,
  saturationFree: false,
};

/** Methods to determine activation ranges from calibration images, the most promising first. */
export const CALIBRATIONS: readonly Pick<Scheme, 'calibration' | 'percentile'>[] = [
  { calibration: 'percentile', percentile: 99.99 },
  { calibration: 'percentile', percentile: 99.9 },
  { calibration: 'mse', percentile: 100 },
  { calibration: 'minmax', percentile: 100 },
  { calibration: 'entropy', percentile: 100 },
  { calibration: 'percentile', percentile: 99.999 },
];

/** A descriptive name of a scheme, such as `int8-all-p99.99-bias-float12-unsaturated`. */
export function schemeId(scheme: Scheme): string {
  const { calibration, percentile, opTypes, equalize, biasCorrection, keepFloat, target } = scheme;
  const parts = [
    target === 'tensorrt' ? 'int8-tensorrt' : `int8-${opTypes}`,
    calibration === 'percentile' ? `p${percentile}` : calibration,
  ];
  if (equalize) parts.push('equalized');
  if (biasCorrection) parts.push('bias');
  if (keepFloat.length > 0) parts.push(`float${keepFloat.length}`);
  if (scheme.packFloat) parts.push('packed');
  if (scheme.saturationFree) parts.push('unsaturated');
  return parts.join('-');
}
