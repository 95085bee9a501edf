import { GoshawkError } from '../../contract/errors.ts';
import type { ForeignOptions } from './source-model.ts';

export interface OptimizeOptions {
  /** a bundle by name or path, or an ONNX file */
  readonly model: string;
  /** what an ONNX file does not say; name and version are also those of the bundle that is written */
  readonly foreign: ForeignOptions;
  /** null takes the name of the bundle that comes in */
  readonly name: string | null;
  /** null takes the bundle's version with the middle number raised */
  readonly version: string | null;
  /** folder of images */
  readonly calibration: string;
  /** COCO detection file */
  readonly annotations: string;
  /** folder of its images */
  readonly images: string;
  /** leaves out objects of categories that the model has no label for */
  readonly ignoreUnknown: boolean;
  /** model folder that the bundle is written to */
  readonly out: string;
  /** where finished steps are kept; null for `.optimize` in `out` */
  readonly work: string | null;
  /** forgets what earlier runs finished */
  readonly fresh: boolean;
  /** AP that may be lost, 0..1 */
  readonly maxApDrop: number;
  /** milliseconds of one run that the chosen variant may take; null for as fast as can be */
  readonly maxLatencyMs: number | null;
  /** null for no limit */
  readonly timeBudgetMinutes: number | null;
  /** threads that latency is measured with */
  readonly threads: number;
  readonly seed: number;
  /** share of the labeled images that the search may see, 0..1 */
  readonly searchShare: number;
}

function refuse(name: string, value: number, reason: string): never {
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value, reason });
}

/** Throws GOSHAWK_PARAMETER_INVALID that names the first option out of range. */
export function checkOptions(options: OptimizeOptions): void {
  const { maxApDrop, maxLatencyMs, timeBudgetMinutes, threads, seed, searchShare } = options;
  if (!(maxApDrop >= 0 && maxApDrop <= 1)) {
    refuse('max-ap-drop', maxApDrop, 'AP lies between 0 and 1: give 0.01 for one point');
  }
  if (maxLatencyMs !== null && !(maxLatencyMs > 0)) {
    refuse('max-latency-ms', maxLatencyMs, 'it must be above 0');
  }
  if (timeBudgetMinutes !== null && !(timeBudgetMinutes > 0)) {
    refuse('time-budget', timeBudgetMinutes, 'it must be above 0');
  }
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= 256)) {
    refuse('threads', threads, 'it must be a whole number from 1 to 256');
  }
  if (!(Number.isSafeInteger(seed) && seed >= 0)) refuse('seed', seed, 'it must be a whole number from 0');
  if (!(searchShare > 0 && searchShare < 1)) {
    refuse('search-share', searchShare, 'both parts need images: it must lie between 0 and 1');
  }
}
