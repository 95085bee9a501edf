import { GoshawkError } from '../../contract/errors.ts';
import { COCO80 } from '../../core/coco-labels.ts';
import type { InputSize } from './equivalence.ts';
import type { NetworkInput } from '../../model/onnx/fold.ts';
import type { ExportMetadata } from '../../model/onnx/metadata.ts';

const usage = (reason: string): GoshawkError => new GoshawkError('GOSHAWK_USAGE', { reason });

/** Refuses networks with a task other than detection in their metadata. Throws GOSHAWK_NOT_A_DETECTOR. */
export function checkTask({ task }: ExportMetadata, file: string): void {
  if (task === null || task === 'detect') return;
  throw new GoshawkError('GOSHAWK_NOT_A_DETECTOR', {
    file,
    reason: `its metadata states the task "${task}", but Goshawk runs only networks for the task "detect"`,
  });
}

/**
 * The size of the input: from the graph, the given size or the metadata, in this order. Throws GOSHAWK_USAGE.
 */
export function sizeOf(
  input: NetworkInput,
  given: InputSize | undefined,
  metadata: ExportMetadata,
): InputSize {
  const width = input.width ?? given?.width ?? metadata.size?.width;
  const height = input.height ?? given?.height ?? metadata.size?.height;
  if (width === undefined || height === undefined) {
    throw usage('the graph leaves the size of its input open: give --size WIDTHxHEIGHT');
  }
  if (given !== undefined && (given.width !== width || given.height !== height)) {
    throw usage(`--size ${given.width}x${given.height} was given, but the graph takes ${width}x${height}`);
  }
  const { stride } = metadata;
  if (stride !== null && (width % stride !== 0 || height % stride !== 0)) {
    throw usage(
      `according to the metadata, sides are multiples of ${stride}, but the size is ${width}x${height}`,
    );
  }
  return { width, height };
}

/** Differences between the given facts and those in the file, if both are plausible. */
export function differences(
  metadata: ExportMetadata,
  { size, labels }: { readonly size: InputSize; readonly labels: readonly string[] },
): string[] {
  const notes: string[] = [];
  const { size: trained, labels: named } = metadata;
  if (trained !== null && (trained.width !== size.width || trained.height !== size.height)) {
    notes.push(
      `it was exported for ${trained.width}x${trained.height}, but takes ${size.width}x${size.height} here`,
    );
  }
  const renamed = (named ?? []).flatMap((name, i) =>
    name === labels[i] ? [] : [`"${name}" is "${labels[i]}"`],
  );
  if (renamed.length > 0) {
    const more = renamed.length > 3 ? ` and ${renamed.length - 3} more` : '';
    notes.push(`classes have other names here than in the file: ${renamed.slice(0, 3).join(', ')}${more}`);
  }
  return notes;
}

/**
 * The given labels, else those in the file; null if there are none. Throws GOSHAWK_LABELS_MISMATCH if both
 * exist and differ in number, and GOSHAWK_USAGE if they are the same in another order.
 */
export function labelsOf(
  given: readonly string[] | undefined,
  metadata: ExportMetadata,
  file: string,
): readonly string[] | null {
  const { labels: named } = metadata;
  if (given === undefined || named === null) return given ?? named;
  if (given.length !== named.length) {
    throw new GoshawkError('GOSHAWK_LABELS_MISMATCH', {
      bundle: file,
      labels: given.length,
      classes: named.length,
    });
  }
  const at = named.findIndex((name, i) => name !== given[i]);
  const same = [...named].sort().join('\n') === [...given].sort().join('\n');
  if (at >= 0 && same) {
    throw usage(
      `the labels are in another order than in ${file}, where class ${at} is "${named[at]}" and not "${given[at]}"`,
    );
  }
  return given;
}

/** Names for unnamed classes: those of COCO if there are 80, else their numbers. */
export function madeUpLabels(classes: number): readonly string[] {
  if (classes === COCO80.length) return COCO80;
  return Array.from({ length: classes }, (_, i) => `class${i}`);
}
