import type { AccuracyReport, RefusedFacts } from '../../contract/report.ts';

const percent = (value: number | null): string =>
  value === null ? '   -' : (100 * value).toFixed(2).padStart(6);

/** The report in a few lines for a terminal, in percent. */
export function summarizeAccuracy(report: AccuracyReport): string {
  const { interval, bundle } = report;
  const source = bundle === null ? 'detections from a file' : `${bundle.name}@${bundle.version}`;
  const range =
    interval === null ? '' : ` (95 %: ${percent(interval.low).trim()} to ${percent(interval.high).trim()})`;
  const judge = report.judge ?? null;
  const lines = [
    `${source} on ${report.images} images, ${report.objects} objects, ${report.detections} detections`,
    ...(judge === null
      ? []
      : [`  against ${judge.bundle.name}@${judge.bundle.version}, its detections from ${judge.score} on`]),
    ...(report.recordings ?? []).flatMap(({ file, notices, unlabeled, unreadable, refused }) => [
      ...(unlabeled + unreadable > 0
        ? [`  ${file}: ${unlabeled} images without labels, ${unreadable} pieces unreadable`]
        : []),
      ...linesOfRefused(refused).map((line) => `  ${file}: ${line}`),
      ...notices.map((notice) => `  ${file}: ${notice}`),
    ]),
    `  AP   ${percent(report.ap)}${range}`,
    `  AP50 ${percent(report.ap50)}   AP75 ${percent(report.ap75)}`,
    `  AP small ${percent(report.apSmall)}   medium ${percent(report.apMedium)}   large ${percent(report.apLarge)}`,
    `  AR100 ${percent(report.ar100)}`,
  ];
  const measured = Object.entries(report.apByClass).filter(([, ap]) => ap !== null);
  for (const [label, ap] of measured) {
    lines.push(
      `  ${label.padEnd(16)} AP ${percent(ap)}   AP50 ${percent(report.ap50ByClass[label] ?? null)}`,
    );
  }
  return lines.join('\n');
}

/** Images that were left out, by reason, each with the first of them. */
function linesOfRefused(refused: RefusedFacts | undefined): string[] {
  return Object.entries(refused?.counts ?? {}).map(([reason, count]) => {
    const first = refused?.first.find((image) => image.reason === reason);
    const named = first === undefined ? '' : `, such as that of ${first.at} s: ${first.detail}`;
    return `${count} images left out (${reason})${named}`;
  });
}
