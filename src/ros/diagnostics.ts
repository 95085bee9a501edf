import { RESULT_QOS, makeQos } from './qos.ts';
import { MESSAGE, type RosNode } from './rcl.ts';
import { nowStamp } from './time.ts';

/** `diagnostic_msgs/msg/DiagnosticStatus` levels. */
export const LEVEL = { ok: 0, warn: 1, error: 2 } as const;

/** One entry of diagnostics with its values. */
export interface DiagnosticStatus {
  /** the part of the node that it describes, such as `camera front` */
  readonly name: string;
  readonly level: keyof typeof LEVEL;
  readonly message: string;
  readonly values: Readonly<Record<string, string | number>>;
}

/** Publishes on `/diagnostics`, or on a topic like it. */
export class DiagnosticsPublisher {
  readonly #node: RosNode;
  readonly #nodeName: string;
  readonly #hardwareId: string;
  readonly #publisher;

  constructor(node: RosNode, hardwareId: string, topic = '/diagnostics') {
    this.#node = node;
    this.#nodeName = node.getFullyQualifiedName();
    this.#hardwareId = hardwareId;
    this.#publisher = node.createPublisher(MESSAGE.diagnostics, topic, { qos: makeQos(RESULT_QOS) });
  }

  publish(statuses: readonly DiagnosticStatus[]): void {
    this.#publisher.publish({
      header: { stamp: nowStamp(this.#node), frame_id: '' },
      status: statuses.map((status) => ({
        level: LEVEL[status.level],
        name: `${this.#nodeName}: ${status.name}`,
        message: status.message,
        hardware_id: this.#hardwareId,
        values: Object.entries(status.values).map(([key, value]) => ({ key, value: String(value) })),
      })),
    });
  }
}
