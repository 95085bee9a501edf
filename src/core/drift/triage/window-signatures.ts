import type { ObservedName } from '../observe/observed.ts';
import type { CauseName } from '../verdict/causes.ts';
import type { Shift, Shifts } from '../verdict/effects.ts';

/** What a cause does to features: the sign and weight of their shifts. */
type Signature = Readonly<Partial<Record<ObservedName, number>>>;

const SIGNATURES: Readonly<Partial<Record<CauseName, Signature>>> = {
  dark: { brightness: -1, contrast: -0.8, black_share: 0.7, entropy: -0.4 },
  glare: { brightness: 1, blown_share: 1, contrast: 0.3 },
  fog: { brightness: 0.7, contrast: -0.7, saturation: -1, sharpness: -0.7, slope_y: -0.5 },
  rain: { saturation: -0.7, brightness: 0.5, sharpness: 0.5, noise: 0.4 },
  blur: { sharpness: -1, noise: -0.9 },
  noise: { noise: 1, sharpness: 0.5, entropy: 0.5 },
};

/** Features of the image as such, which signatures are compared with. */
const IMAGE: readonly ObservedName[] = [
  ...(['brightness', 'contrast', 'saturation', 'sharpness', 'noise', 'entropy'] as const),
  ...(['black_share', 'blown_share'] as const),
];

/** Deviations count up to this many, so that one feature does not outweigh the others. */
const MAX_SIGMAS = 5;
/** Cosine of shifts and signature from which a cause is named. */
const MIN_LIKENESS = 0.5;
const clipped = ({ sigmas }: Shift): number => Math.max(-MAX_SIGMAS, Math.min(MAX_SIGMAS, sigmas));

/**
 * The cause whose effect on the features of windows is most like these shifts; null if none is. Verdicts of robots know
 * more features (`verdict/causes.ts`), which windows do not have.
 */
export function bestSignature(shifts: Shifts): CauseName | null {
  let best: CauseName | null = null;
  let most = MIN_LIKENESS;
  for (const [name, signature] of Object.entries(SIGNATURES) as [CauseName, Signature][]) {
    const likeness = likenessOf(shifts, signature);
    if (likeness <= most) continue;
    [best, most] = [name, likeness];
  }
  return best;
}

/** The cosine of the shifts of the image and a signature. */
function likenessOf(shifts: Shifts, signature: Signature): number {
  let [product, own, other] = [0, 0, 0];
  for (const name of new Set([...IMAGE, ...(Object.keys(signature) as ObservedName[])])) {
    const shift = shifts[name];
    const weight = signature[name] ?? 0;
    const value = shift === undefined ? 0 : clipped(shift);
    product += value * weight;
    own += value * value;
    other += weight * weight;
  }
  return own > 0 ? product / Math.sqrt(own * other) : 0;
}
