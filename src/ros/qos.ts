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
  /** number of messages kept; the newest win */
  readonly depth: number;
}

/** Keep-last QoS as rclnodejs takes it. */
export function makeQos(preferred: QosPreference): InstanceType<typeof rcl.QoS> {
  return new rcl.QoS(
    KEEP_LAST,
    preferred.depth,
    RELIABILITY[preferred.reliability],
    DURABILITY[preferred.durability ?? 'volatile'],
  );
}

/**
 * QoS of camera topics: the depth of the sensor-data profile. The node takes frames as fast as they arrive and the gate
 * keeps the newest, so frames are dropped there, where drops are counted, and not unnoticed in the middleware.
 */
export function cameraQos(reliability: Reliability): QosPreference {
  return { reliability, depth: 5 };
}

/** QoS of results: reliable and volatile, which works with every subscriber that does not ask for transient_local. */
export const RESULT_QOS: QosPreference = { reliability: 'reliable', depth: 10 };

/** QoS of labels, which may come in bursts, long after their frames. */
export const LABEL_QOS: QosPreference = { reliability: 'reliable', depth: 100 };

/** Latched: late subscribers still get the last message. */
export const LATCHED_QOS: QosPreference = {
  reliability: 'reliable',
  durability: 'transient_local',
  depth: 1,
};

/** QoS of images: viewers such as RViz ask for reliable, and a slow viewer gets the newest. */
export const PICTURE_QOS: QosPreference = { reliability: 'reliable', depth: 2 };
