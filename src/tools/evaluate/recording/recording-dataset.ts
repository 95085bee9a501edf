import type { DetectedBox, TruthBox } from '../../../core/evaluation/boxes.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { sha256Of } from '../../../platform/digest.ts';
import type { Dataset } from '../dataset.ts';
import type { ExtractedRecording } from './extract.ts';

interface Named {
  /** of the bundle, in the order of its classes */
  readonly labels: readonly string[];
  readonly bundle: string;
  /** objects of labels that the bundle does not have are left out, instead of refused */
  readonly ignoreUnknown: boolean;
}

/** The images of recordings as a data set, with the labels that came with them. */
export function labeledDataset(recordings: readonly ExtractedRecording[], named: Named): Dataset {
  const truths: TruthBox[] = [];
  const unknown = new Set<string>();
  recordings
    .flatMap(({ images }) => images)
    .forEach(({ labels }, image) => {
      for (const { label, x, y, width, height } of labels) {
        const classIndex = named.labels.indexOf(label);
        if (classIndex < 0) unknown.add(label);
        else truths.push({ image, classIndex, x, y, width, height, area: width * height, crowd: false });
      }
    });
  if (unknown.size > 0 && !named.ignoreUnknown) throw unknownLabels(recordings, named, unknown);
  return datasetOf(recordings, named.labels, truths);
}

/**
 * The images of recordings, labeled by what a judge detects in them.
 * @param judged detections of the judge, whose classes are `judgeLabels`
 * @param score detections below it are no labels
 */
export function judgedDataset(
  recordings: readonly ExtractedRecording[],
  named: Named,
  judged: readonly DetectedBox[],
  judgeLabels: readonly string[],
  score: number,
): Dataset {
  const classOf = judgeLabels.map((label) => named.labels.indexOf(label));
  const unknown = new Set(judgeLabels.filter((_label, index) => classOf[index] === -1));
  if (unknown.size > 0 && !named.ignoreUnknown) throw unknownLabels(recordings, named, unknown);
  const truths = judged.flatMap((box): TruthBox[] => {
    const classIndex = classOf[box.classIndex] ?? -1;
    if (classIndex < 0 || box.score < score) return [];
    const { image, x, y, width, height } = box;
    return [{ image, classIndex, x, y, width, height, area: width * height, crowd: false }];
  });
  return datasetOf(recordings, named.labels, truths);
}

function datasetOf(
  recordings: readonly ExtractedRecording[],
  labels: readonly string[],
  truths: readonly TruthBox[],
): Dataset {
  const images = recordings.flatMap((recording) => recording.images);
  const file = recordings.map((recording) => recording.file).join(', ');
  if (images.length === 0)
    throw new GoshawkError('GOSHAWK_RECORDING_UNUSABLE', { file, reason: 'no image of it can be evaluated' });
  return {
    file,
    digest: sha256Of(recordings.map(({ sha256 }) => sha256).join('\n')),
    images: images.map((image, id) => ({ id, file: image.file, width: image.width, height: image.height })),
    labels,
    categoryIds: labels.map((_label, index) => index + 1),
    truths,
  };
}

function unknownLabels(
  recordings: readonly ExtractedRecording[],
  { bundle }: Named,
  unknown: ReadonlySet<string>,
): GoshawkError {
  const file = recordings.map((recording) => recording.file).join(', ');
  return new GoshawkError('GOSHAWK_CATEGORY_UNKNOWN', { file, bundle, categories: [...unknown].join(', ') });
}
