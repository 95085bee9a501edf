import type { Stamp } from '../core/frame.ts';
import type { RosNode } from './rcl.ts';

const NANOSECONDS = 1_000_000_000n;

/** Now on the node's clock, which follows `/clock` if `use_sim_time` is set. */
export function nowStamp(node: RosNode): Stamp {
  const nanoseconds = node.now().nanoseconds;
  return { sec: Number(nanoseconds / NANOSECONDS), nanosec: Number(nanoseconds % NANOSECONDS) };
}

/** Now in milliseconds on the clock that stamps messages. */
export function rosWallMs(node: RosNode): number {
  return Number(node.now().nanoseconds) / 1e6;
}
