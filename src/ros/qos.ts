import { rcl } from './rcl.ts';

/** Values of `rmw_qos_reliability_policy_t` and `rmw_qos_durability_policy_t` as endpoints report them. */
export const RELIABILITY = { reliable: 1, best_effort: 2 } as const;
export const DURABILITY = { transient_local: 1, volatile: 2 } as const;
const KEEP_LAST = 1;

export type Reliability = keyof typeof RELIABILITY;
export type Durability = keyof typeof DURABILITY;

export interface QosPreference {
  readonly reliability: Reliability;
  readonly durability?: Durability;
  /** messages kept, newest win */
  readonly depth: number;
}

/** Keep-last quality of service as rclnodejs takes it. */
export function makeQos(preferred: QosPreference): InstanceType<typeof rcl.QoS> {
  return new rcl.QoS(
    KEEP_LAST,
    preferred.depth,
    RELIABILITY[preferred.reliability],
    DURABILITY[preferred.durability ?? 'volatile'],
  );
}

/**
 * Frames in: the depth of the sensor-data profile. The node takes them as fast as they come and the gate
 * keeps the newest, so what is dropped is dropped there, where it is counted, and not in the middleware,
 * where nobody would know.
 */
export function cameraQos(reliability: Reliability): QosPreference {
  return { reliability, depth: 5 };
}

/** Results out: reliable and volatile, which every subscriber's wish is compatible with. */
export const RESULT_QOS: QosPreference = { reliability: 'reliable', depth: 10 };

/** Latched: who comes late still gets the last one. */
export const LATCHED_QOS: QosPreference = {
  reliability: 'reliable',
  durability: 'transient_local',
  depth: 1,
};

/** Images out: viewers such as RViz ask for reliable, and a viewer that is slow gets the newest. */
export const PICTURE_QOS: QosPreference = { reliability: 'reliable', depth: 2 };
