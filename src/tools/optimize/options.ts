import { GoshawkError } from '../../contract/errors.ts';
import type { BundleManifest } from '../../contract/bundle.ts';
import type { ForeignOptions } from './source-model.ts';

export interface OptimizeOptions {
  /** a bundle by name or path, or an ONNX file */
  readonly model: string;
  /** facts that an ONNX file does not contain; name and version also apply to the new bundle */
  readonly foreign: ForeignOptions;
  /** null keeps the name of the source bundle */
  readonly name: string | null;
  /** null increments the minor version of the source bundle */
  readonly version: string | null;
  /** folder of images */
  readonly calibration: string;
  /** COCO detection file */
  readonly annotations: string;
  /** folder of its images */
  readonly images: string;
  /** ignores objects of categories that the model has no label for */
  readonly ignoreUnknown: boolean;
  /** model folder for the new bundle */
  readonly out: string;
  /** folder for finished steps; null for `.optimize` in `out` */
  readonly work: string | null;
  /** discards finished steps of earlier runs */
  readonly fresh: boolean;
  /** maximum loss of AP, 0..1 */
  readonly maxApDrop: number;
  /** maximum milliseconds per run of the chosen variant; null for as fast as possible */
  readonly maxLatencyMs: number | null;
  /** null for no limit */
  readonly timeBudgetMinutes: number | null;
  /** threads for latency measurements */
  readonly threads: number;
  readonly seed: number;
  /** share of the labeled images that the search may use, 0..1 */
  readonly searchShare: number;
  /** of the caller, once the model is read: what it throws ends the run before the search */
  readonly checkModel: (manifest: BundleManifest) => Promise<void>;
}

function refuse(name: string, value: number, reason: string): never {
  throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value, reason });
}

/** Throws GOSHAWK_PARAMETER_INVALID for the first option out of range. */
export function checkOptions(options: OptimizeOptions): void {
  const { maxApDrop, maxLatencyMs, timeBudgetMinutes, threads, seed, searchShare } = options;
  if (!(maxApDrop >= 0 && maxApDrop <= 1)) {
    refuse('max-ap-drop', maxApDrop, 'AP is between 0 and 1: use 0.01 for one point');
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
    refuse('search-share', searchShare, 'it must be between 0 and 1, because both parts need images');
  }
}
