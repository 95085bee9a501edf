import { PAYLOAD_VERSION, type TelemetryHeader } from '../../contract/telemetry/header.ts';
import type { StreamPayload } from '../../contract/telemetry/payloads.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import { topicOfKnown } from '../../contract/telemetry/topics.ts';

/** Streams that go from the fleet to robots. */
type OutboundStream = 'ack' | 'clip-request';

/** What a stream's payload has besides the header. */
type Body<S extends OutboundStream> = Omit<StreamPayload<S>, keyof TelemetryHeader>;

/** Makes the messages of one stream to robots, numbered since the start of this process. */
export class RobotMessages<S extends OutboundStream> {
  readonly #stream: S;
  readonly #bootId: string;
  #count = 0;

  /** @param bootId of this process */
  constructor(stream: S, bootId: string) {
    this.#stream = stream;
    this.#bootId = bootId;
  }

  /** Messages that were made. */
  get count(): number {
    return this.#count;
  }

  compose(to: Speaker, body: Body<S>): { readonly topic: string; readonly payload: string } {
    const header: TelemetryHeader = {
      headerId: this.#count,
      timestamp: new Date().toISOString(),
      version: PAYLOAD_VERSION,
      manufacturer: 'Goshawk',
      serialNumber: to.robot,
      node: to.node,
      bootId: this.#bootId,
    };
    this.#count += 1;
    return { topic: topicOfKnown(to, this.#stream), payload: JSON.stringify({ ...header, ...body }) };
  }
}
