import type { OptimizeReport } from '../../../contract/optimize.ts';

/** placeholder */
export function renderOptimizePage(report: OptimizeReport): string {
  return report.schema;
}
