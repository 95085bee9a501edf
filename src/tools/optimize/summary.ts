import type { OptimizeReport } from '../../contract/optimize.ts';

const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
const points = (value: number | null): string => (value === null ? '-' : (100 * value).toFixed(2));

/** The report in a few lines for a terminal, with AP in points. */
export function summarizeOptimize(report: OptimizeReport): string {
  const { original, variants, byFloor, data, outcome, candidates } = report;
  const lines = [
    `${report.source.name}@${report.source.version}: ${candidates.length} candidates, search ` +
      `on ${data.search.images} images, choice on ${data.choice?.images ?? 0}, final ` +
      `measurements on ${data.final.images} others`,
    `  original   AP ${points(original.final.ap)}   ${original.bytes} bytes`,
  ];
  for (const { id, candidate, final, latencyMs, bytesRatio, providers } of variants) {
    const interval =
      final.dropInterval === null
        ? ''
        : ` (95 %: ${points(final.dropInterval.low)} to ${points(final.dropInterval.high)})`;
    const isTimed = providers.includes('cpu') && latencyMs !== null;
    const speed = isTimed
      ? `, ${latencyMs.p50.toFixed(2)} ms = ${latencyMs.ratio.toFixed(2)} of the original`
      : '';
    lines.push(
      `  ${id.padEnd(10)} AP ${points(final.ap)}   lost ${points(final.drop)}${interval}, ` +
        `${percent(bytesRatio)} of the bytes${speed}  [${candidate}]`,
    );
  }
  for (const { maxApDrop, fastest, latencyRatio, smallest, bytesRatio } of byFloor) {
    lines.push(
      `  within ${points(maxApDrop)} points: fastest ${fastest} (${latencyRatio.toFixed(2)} of ` +
        `the latency), smallest ${smallest} (${percent(bytesRatio)} of the bytes)`,
    );
  }
  lines.push(outcome.text);
  return lines.join('\n');
}
