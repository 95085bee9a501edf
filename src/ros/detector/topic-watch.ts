import { publishersOf, subscriptionsOf, topicsOfType } from '../graph.ts';
import type { Log } from '../log.ts';
import type { Reliability } from '../qos.ts';
import { MESSAGE, type RosNode } from '../rcl.ts';
import {
  FindingLog,
  inspectCamera,
  inspectListeners,
  inspectRivals,
  type TopicFinding,
} from './camera-watch.ts';
import type { SessionCamera } from './session.ts';

interface Watched {
  readonly camera: SessionCamera;
  messages: number;
  /** monotonic milliseconds of the newest message, or of the start */
  receivedAt: number;
}

/** Inspects the graph around an active detector once a second and reports what keeps frames or results from flowing. */
export class TopicWatch {
  readonly #node: RosNode;
  readonly #log: Log;
  #findingLog = new FindingLog();
  #reliability: Reliability = 'best_effort';
  #watched: Watched[] = [];

  constructor(node: RosNode, log: Log) {
    this.#node = node;
    this.#log = log;
  }

  /**
   * Starts to watch cameras that were just subscribed to. Findings about others, or about these before a pause, are
   * reported again.
   */
  open(cameras: readonly SessionCamera[], reliability: Reliability): void {
    this.#findingLog = new FindingLog();
    this.#reliability = reliability;
    this.#watched = cameras.map((camera) => ({
      camera,
      messages: camera.input.messages,
      receivedAt: performance.now(),
    }));
  }

  close(): void {
    this.#watched = [];
  }

  /** The current findings by camera; new ones are logged. */
  look(silentAfterSeconds: number): ReadonlyMap<string, readonly TopicFinding[]> {
    const all = new Map<string, readonly TopicFinding[]>();
    for (const watched of this.#watched) {
      const { topics } = watched.camera;
      const findings = this.#inspect(watched, silentAfterSeconds);
      all.set(topics.camera, findings);
      this.#findingLog.update(
        topics.camera,
        findings,
        ({ level, message }) => this.#log[level](message),
        (message) => this.#log.info(`resolved: ${message}`),
      );
    }
    return all;
  }

  #inspect(watched: Watched, silentAfterSeconds: number): TopicFinding[] {
    const { topics, input } = watched.camera;
    if (input.messages !== watched.messages) {
      watched.messages = input.messages;
      watched.receivedAt = performance.now();
    }
    const silentSeconds = (performance.now() - watched.receivedAt) / 1000;
    const type = topics.kind === 'raw' ? MESSAGE.image : MESSAGE.compressedImage;
    const listeners = subscriptionsOf(this.#node, topics.detections);
    return [
      ...inspectCamera(
        {
          topic: topics.image,
          type,
          reliability: this.#reliability,
          publishers: publishersOf(this.#node, topics.image),
          silentSeconds,
          everReceived: watched.messages > 0,
          otherTopics:
            silentSeconds < silentAfterSeconds
              ? []
              : topicsOfType(this.#node, type).filter((name) => !this.#isOwn(name)),
        },
        silentAfterSeconds,
      ),
      ...inspectListeners(topics.detections, MESSAGE.detections, listeners),
      ...inspectRivals(
        topics.detections,
        this.#node.getFullyQualifiedName(),
        publishersOf(this.#node, topics.detections),
      ),
    ];
  }

  /** This node itself subscribes or publishes there. */
  #isOwn(topic: string): boolean {
    return this.#watched.some(({ camera: { topics } }) =>
      [topics.image, topics.annotated, topics.annotatedCompressed].includes(topic),
    );
  }
}
