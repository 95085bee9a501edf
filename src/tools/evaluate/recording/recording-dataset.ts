import type { TruthBox } from '../../../core/evaluation/boxes.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { sha256Of } from '../../../platform/digest.ts';
import type { Dataset } from '../dataset.ts';
import type { EvaluatedRecording } from './detect-recording.ts';
import { unusable } from './recording-error.ts';

interface Named {
  /** of the bundle, in the order of its classes */
  readonly labels: readonly string[];
  readonly bundle: string;
  /** objects of labels that the bundle does not have are left out, instead of refused */
  readonly ignoreUnknown: boolean;
}

/**
 * The images of recordings as a data set, with the labels that came with them.
 * @throws GoshawkError GOSHAWK_CATEGORY_UNKNOWN, GOSHAWK_RECORDING_UNUSABLE
 */
export function labeledDataset(recordings: readonly EvaluatedRecording[], named: Named): Dataset {
  const truths: TruthBox[] = [];
  const found = new Set<string>();
  for (const { index: image, labels } of recordings.flatMap(({ images }) => images)) {
    for (const { label, x, y, width, height } of labels) {
      const classIndex = named.labels.indexOf(label);
      found.add(label);
      if (classIndex >= 0)
        truths.push({ image, classIndex, x, y, width, height, area: width * height, crowd: false });
    }
  }
  refuseUnknownLabels(filesOf(recordings), named, [...found]);
  return datasetOf(recordings, named.labels, truths);
}

/**
 * The images of recordings, labeled by what a judge detects in them.
 * @param score detections below it are no labels
 * @throws GoshawkError GOSHAWK_RECORDING_UNUSABLE
 */
export function judgedDataset(
  recordings: readonly EvaluatedRecording[],
  named: Named,
  judgeLabels: readonly string[],
  score: number,
): Dataset {
  const classOf = judgeLabels.map((label) => named.labels.indexOf(label));
  const judged = recordings.flatMap(({ images }) => images.flatMap((image) => image.judged));
  const truths = judged.flatMap((box): TruthBox[] => {
    const classIndex = classOf[box.classIndex] ?? -1;
    if (classIndex < 0 || box.score < score) return [];
    const { image, x, y, width, height } = box;
    return [{ image, classIndex, x, y, width, height, area: width * height, crowd: false }];
  });
  return datasetOf(recordings, named.labels, truths);
}

/** @throws GoshawkError GOSHAWK_CATEGORY_UNKNOWN for labels that the bundle does not have */
export function refuseUnknownLabels(file: string, named: Named, labels: readonly string[]): void {
  const unknown = labels.filter((label) => !named.labels.includes(label));
  if (unknown.length === 0 || named.ignoreUnknown) return;
  const details = { file, bundle: named.bundle, categories: unknown.join(', ') };
  throw new GoshawkError('GOSHAWK_CATEGORY_UNKNOWN', details);
}

const filesOf = (recordings: readonly EvaluatedRecording[]): string =>
  recordings.map(({ facts }) => facts.file).join(', ');

function datasetOf(
  recordings: readonly EvaluatedRecording[],
  labels: readonly string[],
  truths: readonly TruthBox[],
): Dataset {
  const images = recordings.flatMap((recording) => recording.images);
  const file = filesOf(recordings);
  if (images.length === 0) throw unusable(file, 'no image of it can be evaluated');
  return {
    file,
    digest: sha256Of(recordings.map(({ facts }) => facts.sha256).join('\n')),
    images: images.map(({ index, width, height }) => ({ id: index, file: `image ${index}`, width, height })),
    labels,
    categoryIds: labels.map((_label, index) => index + 1),
    truths,
  };
}
