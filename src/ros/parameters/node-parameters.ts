import type { ParameterSource } from '../arguments.ts';
import type { Log } from '../log.ts';
import { rcl, type RosNode } from '../rcl.ts';
import { readParameterOverrides, type ParameterOverride } from './files.ts';

const PARAMETER_BOOL = 1;

/**
 * Reads the command line's parameters for a node, reports files that do not apply to it, and forwards `use_sim_time`,
 * which rclnodejs declares for itself.
 */
export async function readNodeParameters(
  node: RosNode,
  sources: readonly ParameterSource[],
  log: Log,
): Promise<Map<string, ParameterOverride>> {
  const name = node.getFullyQualifiedName();
  const overrides = await readParameterOverrides(sources, name, (file) =>
    log.warn(`${file} has no section for ${name}: it has no effect`),
  );
  if (overrides.get('use_sim_time')?.value === true) {
    node.setParameter(new rcl.Parameter('use_sim_time', PARAMETER_BOOL, true));
  }
  return overrides;
}
