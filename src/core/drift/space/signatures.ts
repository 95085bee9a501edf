import type { ObservedName } from '../observe/observed.ts';
import { MEASURED_SHIFTS } from './measured-changes.ts';

/** Changes of the image that are known, and what they do to features. */
export const DIRECTIONS = ['dark', 'glare', 'fog', 'rain', 'blur', 'noise', 'dirt', 'camera_moved'] as const;

export type DirectionName = (typeof DIRECTIONS)[number];

/**
 * Shifts of scaled features (`scale.ts`); logarithms make them nearly the same for every scene. The simulator cannot
 * show glare, so its shifts follow from what it is.
 */
export const SIGNATURES: Readonly<Record<DirectionName, Readonly<Partial<Record<ObservedName, number>>>>> = {
  ...MEASURED_SHIFTS,
  glare: {
    ...{ brightness: 0.5, contrast: 0.1, saturation: -0.3, entropy: -0.3, blown_share: 4, luma_5: 0.4 },
    ...{ luma_50: 0.5, luma_95: 0.2, luma_top: 0.4, luma_low: 0.5, pattern: 0.5 },
  },
};
