import { ReadMetrics, type MetricFamily, type Sample } from '../metrics/read-metrics.ts';
import type { SensorReading } from './host-reader.ts';

const by = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([value, amount]) => [{ [label]: value }, amount]);

const FAMILIES: readonly MetricFamily<SensorReading>[] = [
  {
    name: 'goshawk_host_temperature_celsius',
    help: 'Temperature of a thermal zone; absent without a sensor.',
    kind: 'gauge',
    labels: ['zone'],
    samples: ({ temperatureCelsius = {} }) => by('zone', temperatureCelsius),
  },
  {
    name: 'goshawk_host_power_watts',
    help: 'Power drawn by a rail of the board; absent without a sensor.',
    kind: 'gauge',
    labels: ['rail'],
    samples: ({ powerWatts = {} }) => by('rail', powerWatts),
  },
  {
    name: 'goshawk_host_clock_hertz',
    help: 'Current frequency of a kind of core, the mean of its cores, or of the GPU; absent if it is not reported.',
    kind: 'gauge',
    labels: ['clock'],
    samples: ({ clockHertz = {} }) => by('clock', clockHertz),
  },
  {
    name: 'goshawk_host_gpu_ratio',
    help: 'Load of the GPU, 0 to 1; absent if it is not reported.',
    kind: 'gauge',
    labels: ['gpu'],
    samples: ({ gpuRatio }): Sample[] => (gpuRatio === undefined ? [] : [[{ gpu: '0' }, gpuRatio]]),
  },
];

/**
 * One sample per sensor of the machine.
 * @param sensors called on every scrape
 */
export function hostMetrics(sensors: () => SensorReading): ReadMetrics<SensorReading> {
  return new ReadMetrics(FAMILIES, sensors);
}
