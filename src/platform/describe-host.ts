import { arch, cpus, release, totalmem, type } from 'node:os';
import type { Host } from '../contract/report.ts';

/** The machine that a report is made on; `providers` as the inference library lists them, best first. */
export function describeHost(providers: readonly string[]): Host {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() || arch(),
    cores: Math.max(1, processors.length),
    memoryBytes: totalmem(),
    os: `${type().toLowerCase()} ${release()} ${arch()}`,
    node: process.versions.node,
    ros: process.env['ROS_DISTRO'] ?? null,
    providers: [...providers],
  };
}
