import { definePart } from '../runtime/part.ts';
import { PipelineMetrics } from './pipeline-metrics.ts';

/** The metrics of the current session; each session starts its own. */
export const PIPELINE_METRICS = definePart({
  parameters: {},
  create: () => ({
    name: 'pipeline metrics',
    servedBy: ['web page'],
    attach: ({ pipeline }) => {
      const metrics = new PipelineMetrics(pipeline);
      return { sink: metrics, metrics };
    },
  }),
});
