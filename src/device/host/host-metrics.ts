import { ReadMetrics, type MetricFamily } from '../metrics/read-metrics.ts';
import type { SensorReading } from './host-reader.ts';

const FAMILIES: readonly MetricFamily<SensorReading>[] = [
  {
    name: 'goshawk_host_temperature_celsius',
    help: 'Temperature of a zone of the machine; absent where it has no sensor.',
    kind: 'gauge',
    label: 'zone',
    samples: ({ temperatureCelsius = {} }) => temperatureCelsius,
  },
  {
    name: 'goshawk_host_power_watts',
    help: 'Power that a rail of the board takes; absent where it has no sensor.',
    kind: 'gauge',
    label: 'rail',
    samples: ({ powerWatts = {} }) => powerWatts,
  },
  {
    name: 'goshawk_host_gpu_ratio',
    help: 'How busy the GPU is, 0 to 1; absent where it does not say.',
    kind: 'gauge',
    label: 'gpu',
    samples: ({ gpuRatio }): Record<string, number> => (gpuRatio === undefined ? {} : { '0': gpuRatio }),
  },
];

/**
 * A sample for each sensor of the machine.
 * @param sensors asked on every scrape
 */
export function hostMetrics(sensors: () => SensorReading): ReadMetrics<SensorReading> {
  return new ReadMetrics(FAMILIES, sensors);
}
