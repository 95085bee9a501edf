import { definePart } from '../runtime/part.ts';
import { hostMetrics } from './host-metrics.ts';
import { outboxRoot } from '../telemetry/outbox/outbox-root.ts';
import { HostReader } from './host-reader.ts';

/** The state of the machine: for telemetry, and next to the metrics of a session. */
export const HOST_STATS = definePart({
  parameters: {},
  create: () => {
    const stats = new HostReader('/', { disk: outboxRoot('') });
    const metrics = hostMetrics(() => stats.readSensors());
    return {
      name: 'host stats',
      servedBy: ['web page', 'telemetry'],
      host: (reader, note) => stats.read(reader, note),
      attach: () => ({ metrics }),
    };
  },
});
