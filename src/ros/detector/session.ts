import type { Bundle } from '../../model/bundle.ts';
import type { EngineInfo } from '../../device/inference/engine.ts';
import { systemClock } from '../../platform/clock.ts';
import { EnvelopeMaker } from '../../device/pipeline/frame/envelope.ts';
import type { FramePipeline } from '../../device/pipeline/pipeline.ts';
import { ModelSwitch, type ModelSwitchOptions } from '../../device/runtime/model-switch.ts';
import type { FrameLabels } from '../../device/runtime/part.ts';
import type { Log } from '../log.ts';
import { cameraQos, LABEL_QOS } from '../qos.ts';
import { subscribeRaw, type RawPublisher, type RawSubscription } from '../raw-topics.ts';
import { MESSAGE, type RosNode } from '../rcl.ts';
import { AnnotatedPublisher } from './annotated-publisher.ts';
import { CameraInput } from './camera-input.ts';
import { LabelInput, nameLabelTopics, type LabelTopic } from './label-input.ts';
import type { DetectorParameters } from './parameters.ts';
import { createPipeline, engineOptions, type NodeTime } from './pipeline-setup.ts';
import { RateLimit } from './rate-limit.ts';
import { ResultPublisher } from './result-publisher.ts';
import type { CameraTopics } from './topics.ts';
import { publishVisionInfo } from './vision-info.ts';

/** The input side of one camera. */
export interface SessionCamera {
  readonly topics: CameraTopics;
  readonly input: CameraInput;
  readonly rate: RateLimit;
}

/**
 * Everything that exists from configure to cleanup: the pipeline with its loaded model, publishers, and, while active,
 * the subscriptions.
 */
export class DetectorSession {
  readonly bundle: Bundle;
  readonly pipeline: FramePipeline;
  readonly models: ModelSwitch;
  readonly results: ResultPublisher;
  readonly annotated: AnnotatedPublisher;
  readonly cameras: readonly SessionCamera[];
  readonly #node: RosNode;
  readonly #parameters: DetectorParameters;
  readonly #log: Log;
  readonly #labels: readonly LabelTopic[];
  readonly #takeLabels: (labels: FrameLabels) => void;
  /** when it was created */
  readonly startedAt = new Date();
  #latched: RawPublisher[] = [];
  #subscriptions: RawSubscription[] = [];

  /**
   * @param time its wall time is that of the clock that stamps messages
   * @param limits of the operator, for a model that takes over
   * @param takeLabels gets labels of frames, if they are subscribed to
   * @throws GoshawkError GOSHAWK_PARAMETER_INVALID
   */
  constructor(
    node: RosNode,
    parameters: DetectorParameters,
    bundle: Bundle,
    topics: readonly CameraTopics[],
    time: NodeTime,
    limits: ModelSwitchOptions['limits'],
    log: Log,
    takeLabels: (labels: FrameLabels) => void,
  ) {
    this.#labels = nameLabelTopics(parameters.labels_topic, topics);
    this.#takeLabels = takeLabels;
    this.#node = node;
    this.#parameters = parameters;
    this.#log = log;
    this.bundle = bundle;
    const engine = engineOptions(parameters, bundle, log);
    this.pipeline = createPipeline(parameters, engine, topics, time, log);
    this.models = new ModelSwitch({
      pipeline: this.pipeline,
      engine,
      limits,
      onSwapped: (running) => this.#publishInfo(running),
      log: (line) => log.info(line),
    });
    const { labels } = bundle.manifest;
    this.results = new ResultPublisher(node, topics, labels);
    this.annotated = new AnnotatedPublisher(node, topics, labels);
    this.pipeline.addSink(this.results);
    this.pipeline.addSink(this.annotated);
    this.cameras = topics.map((one) => {
      const envelopes = new EnvelopeMaker(one.camera, {
        deadlineMs: parameters.deadline_ms,
        clock: time.clock,
      });
      const rate = new RateLimit(() => systemClock.monotonicMs());
      rate.set(parameters.publish_rate);
      return {
        topics: one,
        rate,
        input: new CameraInput(one.camera, one.kind, this.pipeline, envelopes, rate),
      };
    });
  }

  /** Loads and warms the model. Rejects with a coded error, and then nothing is left open. */
  async start(): Promise<EngineInfo> {
    try {
      const info = await this.pipeline.start();
      this.#publishInfo(this.bundle);
      return info;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** In place of what was published of another bundle. */
  #publishInfo(bundle: Bundle): void {
    for (const publisher of this.#latched) publisher.destroy();
    const topics = this.cameras.map((camera) => camera.topics);
    this.#latched = publishVisionInfo(this.#node, topics, bundle);
  }

  /** Subscribes to the cameras: frames flow from here on. */
  activate(): void {
    this.pipeline.activate();
    this.#subscriptions = this.cameras.map(({ topics, input }) =>
      subscribeRaw(
        this.#node,
        topics.kind === 'raw' ? MESSAGE.image : MESSAGE.compressedImage,
        topics.image,
        cameraQos(this.#parameters.reliability),
        (bytes) => input.take(bytes),
        (error) => this.#log.error(`a frame of ${topics.image} failed: ${String(error)}`),
      ),
    );
    this.#subscriptions.push(...this.#labels.map((labels) => this.#subscribeLabels(labels)));
  }

  #subscribeLabels({ camera, topic }: LabelTopic): RawSubscription {
    const input = new LabelInput(camera, this.#takeLabels, (line) => this.#log.warn(line));
    return subscribeRaw(
      this.#node,
      MESSAGE.detections,
      topic,
      LABEL_QOS,
      (bytes) => input.take(bytes),
      (error) => this.#log.error(`labels on ${topic} failed: ${String(error)}`),
    );
  }

  /** Ends the subscriptions and lets the frames in flight finish. Safe in every state. */
  async deactivate(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.destroy();
    this.#subscriptions = [];
    await this.pipeline.deactivate();
  }

  /** Frees the model and everything else. Safe in every state. */
  async close(): Promise<void> {
    await this.deactivate();
    await this.pipeline.close();
    this.results.destroy();
    this.annotated.destroy();
    for (const publisher of this.#latched) publisher.destroy();
    this.#latched = [];
  }
}
