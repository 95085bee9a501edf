import { hostname } from 'node:os';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { defaultModelFolders, ModelRepository } from '../../device/bundles/repository.ts';
import { systemClock, type Clock } from '../../device/pipeline/clock.ts';
import type { RosArguments } from '../arguments.ts';
import { DiagnosticsPublisher } from '../diagnostics.ts';
import { nodeLog, type Log } from '../log.ts';
import { ManagedLifecycle, type LifecycleWork } from '../managed-node.ts';
import { declareParameters, type DeclaredParameters } from '../parameters/declare.ts';
import { readParameterOverrides } from '../parameters/files.ts';
import type { ParameterValue } from '../parameters/spec.ts';
import type { RosProgram } from '../process.ts';
import { rcl, type LifecycleNode } from '../rcl.ts';
import { guardServices } from '../service-guard.ts';
import { rosWallMs } from '../time.ts';
import { diagnose } from './diagnose.ts';
import { DETECTOR_PARAMETERS, type DetectorParameters } from './parameters.ts';
import { DetectorSession } from './session.ts';
import { nameTopics } from './topics.ts';
import { TopicWatch } from './topic-watch.ts';

const NODE_NAME = 'detector';
const NAMESPACE = '/goshawk';
/** how often subscriptions to pictures are looked for; diagnostics go out every second time */
const TICK_MS = 500;
const PARAMETER_BOOL = 1;

/** The detector node: parameters, lifecycle and diagnostics around one session. */
export class Detector implements RosProgram, LifecycleWork {
  readonly #node: LifecycleNode;
  readonly #log: Log;
  readonly #lifecycle: ManagedLifecycle;
  readonly #declared: DeclaredParameters<typeof DETECTOR_PARAMETERS>;
  readonly #diagnostics: DiagnosticsPublisher;
  readonly #watch: TopicWatch;
  readonly #clock: Clock;
  #session: DetectorSession | null = null;
  #failure: string | null = null;
  #ticks = 0;
  #timer: NodeJS.Timeout | undefined;
  #alive = true;

  /** Makes the node, declares its parameters, and starts to spin; nothing is configured yet. */
  static async start(args: RosArguments): Promise<Detector> {
    const node = new rcl.lifecycle.LifecycleNode(NODE_NAME, NAMESPACE);
    const warnings: string[] = [];
    try {
      const overrides = await readParameterOverrides(
        args.parameters,
        node.getFullyQualifiedName(),
        (file) => {
          warnings.push(`no section of ${file} is about ${node.getFullyQualifiedName()}: it has no effect`);
        },
      );
      if (overrides.get('use_sim_time')?.value === true) {
        node.setParameter(new rcl.Parameter('use_sim_time', PARAMETER_BOOL, true));
      }
      const detector = new Detector(node, overrides);
      for (const warning of warnings) detector.#log.warn(warning);
      detector.#run();
      return detector;
    } catch (error) {
      node.destroy();
      throw error;
    }
  }

  private constructor(node: LifecycleNode, overrides: Awaited<ReturnType<typeof readParameterOverrides>>) {
    this.#node = node;
    this.#log = nodeLog(node, () => this.#alive);
    this.#declared = declareParameters(node, DETECTOR_PARAMETERS, overrides, this.#log, (changed) => {
      this.#apply(changed);
    });
    this.#lifecycle = new ManagedLifecycle(node, this, this.#log);
    guardServices(node, this.#log);
    this.#diagnostics = new DiagnosticsPublisher(node, hostname());
    this.#watch = new TopicWatch(node, this.#log);
    const simulated = (): boolean => node.getParameter('use_sim_time').value === true;
    this.#clock = { ...systemClock, wallMs: () => (simulated() ? rosWallMs(node) : Date.now()) };
  }

  get #parameters(): DetectorParameters {
    return this.#declared.values;
  }

  #run(): void {
    this.#node.spin();
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
    if (this.#parameters.autostart) void this.#autostart();
  }

  async #autostart(): Promise<void> {
    if (await this.#lifecycle.change('configure')) await this.#lifecycle.change('activate');
  }

  async configure(): Promise<void> {
    this.#failure = null;
    try {
      await this.#configure();
    } catch (error) {
      this.#failure = describeError(error);
      throw error;
    }
  }

  async #configure(): Promise<void> {
    const parameters = this.#parameters;
    const images = parameters.image_topics.map((topic) => this.#node.resolveTopicName(topic));
    if (images.length === 0) {
      throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
        name: 'image_topics',
        value: '[]',
        reason: 'there must be one image topic at least',
      });
    }
    const bundle = await new ModelRepository(defaultModelFolders()).load(parameters.bundle);
    const topics = nameTopics(images, parameters.image_type);
    const session = new DetectorSession(this.#node, parameters, bundle, topics, this.#clock, this.#log);
    const info = await session.start();
    const { score, iou, maxDetections } = bundle.manifest.thresholds;
    this.#declared.adopt({ score_threshold: score, iou_threshold: iou, max_detections: maxDetections });
    try {
      applyLimits(session, this.#parameters);
    } catch (error) {
      await session.close();
      throw error;
    }
    this.#session = session;
    this.#log.info(
      `${info.bundle.name}@${info.bundle.version} (${info.variant}) on ${info.provider}: loaded in ${Math.round(info.loadMs)} ms, ` +
        `warm in ${Math.round(info.warmupMs)} ms; ${topics.map((one) => `${one.image} -> ${one.detections}`).join(', ')}`,
    );
    for (const { provider, reason } of info.refusals)
      this.#log.info(`provider ${provider} not taken: ${reason}`);
  }

  activate(): Promise<void> {
    this.#session!.activate();
    this.#watch.open(this.#session!.cameras, this.#parameters.reliability);
    return Promise.resolve();
  }

  async deactivate(): Promise<void> {
    this.#watch.close();
    await this.#session!.deactivate();
  }

  async cleanup(): Promise<void> {
    await this.#closeSession();
  }

  async shutdown(): Promise<void> {
    await this.#closeSession();
  }

  async #closeSession(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    this.#watch.close();
    await session?.close();
  }

  /** Applies parameters that may change while the node runs; a throw refuses them all. */
  #apply(changed: ReadonlyMap<string, ParameterValue>): void {
    if (this.#session === null) return;
    applyLimits(this.#session, { ...this.#parameters, ...Object.fromEntries(changed) });
  }

  #tick(): void {
    this.#ticks += 1;
    const session = this.#session;
    session?.annotated.refresh();
    if (this.#ticks % 2 !== 0) return;
    const findings = this.#watch.look(this.#parameters.silent_after_s);
    this.#diagnostics.publish(
      diagnose(
        {
          state: this.#lifecycle.state,
          complaints:
            this.#failure === null ? this.#declared.refused : [this.#failure, ...this.#declared.refused],
          snapshot: session?.pipeline.snapshot() ?? null,
          delayMs: session?.results.newestDelayMs ?? NaN,
          findings,
        },
        this.#parameters,
      ),
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    // A model that is still loading is let finish: its threads cannot be stopped in the middle without ending the process badly.
    await this.#lifecycle.settled();
    await this.#closeSession();
    this.#alive = false;
    this.#node.destroy();
  }
}

function applyLimits(session: DetectorSession, parameters: DetectorParameters): void {
  const { labels } = session.bundle.manifest;
  const stranger = parameters.class_filter.find((name) => !labels.includes(name));
  if (stranger !== undefined) {
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
      name: 'class_filter',
      value: stranger,
      reason: `the bundle knows ${labels.join(', ')}`,
    });
  }
  session.pipeline.setLimits({
    score: parameters.score_threshold,
    iou: parameters.iou_threshold,
    maxDetections: parameters.max_detections,
    classes: parameters.class_filter.length === 0 ? null : parameters.class_filter,
  });
  for (const { rate } of session.cameras) rate.set(parameters.publish_rate);
}
