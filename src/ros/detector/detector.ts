import { hostname } from 'node:os';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { openBundle } from '../../device/authoring/open-bundle.ts';
import { describeChoice } from '../../device/inference/describe-choice.ts';
import { describeSized } from '../../device/inference/describe-sized.ts';
import { debugLog } from '../../platform/debug.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import { nameThreadsOf } from '../../platform/thread-name.ts';
import { stillLoading, reportWhileWaiting } from '../../device/inference/report-while-waiting.ts';
import { composeRuntime } from '../../device/parts.ts';
import { limitsAmong, limitsOfBundle, type LimitsPatch } from '../../device/pipeline/limit-table.ts';
import { makeRunReport } from '../../device/runtime/run-report.ts';
import type { Runtime } from '../../device/runtime/runtime.ts';
import { checkOutputFiles, writeReport } from '../../platform/outputs.ts';
import type { RosArguments } from '../arguments.ts';
import { DiagnosticsPublisher } from '../diagnostics.ts';
import { LatchedTexts } from '../latched-texts.ts';
import { followLogLevel, nodeLog, type Log } from '../log.ts';
import { ManagedLifecycle, type LifecycleWork } from '../managed-node.ts';
import { declareParameters, type DeclaredParameters } from '../parameters/declare.ts';
import type { ParameterOverride } from '../parameters/files.ts';
import { readNodeParameters } from '../parameters/node-parameters.ts';
import type { ParameterValue } from '../../contract/parameters.ts';
import type { RosProgram } from '../process.ts';
import { rcl, type LifecycleNode } from '../rcl.ts';
import { guardServices } from '../service-guard.ts';
import { SimClock } from '../sim-clock.ts';
import { rosWallMs } from '../time.ts';
import { serveCapture } from './capture-service.ts';
import { FindingLog } from './camera-watch.ts';
import { diagnose } from './diagnose.ts';
import { diagnoseTelemetry } from './diagnose-telemetry.ts';
import { DriftTopicPublisher } from './drift-topic.ts';
import { DETECTOR_PARAMETERS, type DetectorParameters } from './parameters.ts';
import { DetectorSession } from './session.ts';
import { nameTopics } from './topics.ts';
import { TopicWatch } from './topic-watch.ts';

const NODE_NAME = 'detector';
const NAMESPACE = '/goshawk';
/** what telemetry is doing in detail, for those who look at the fleet's link */
const TELEMETRY_STATUS_TOPIC = '/goshawk/telemetry/status';
const debug = debugLog('parameters');

/** how often subscribers of images and debug topics are queried; diagnostics are published every second time */
const TICK_MS = 500;

/** The detector node: parameters, lifecycle and diagnostics around one session. */
export class Detector implements RosProgram, LifecycleWork {
  readonly #node: LifecycleNode;
  readonly #log: Log;
  readonly #lifecycle: ManagedLifecycle;
  readonly #declared: DeclaredParameters<typeof DETECTOR_PARAMETERS>;
  readonly #diagnostics: DiagnosticsPublisher;
  /** made once telemetry runs */
  #telemetryStatus: DiagnosticsPublisher | null = null;
  readonly #driftTopic: DriftTopicPublisher;
  readonly #watch: TopicWatch;
  readonly #clock: Clock;
  readonly #simClock: SimClock;
  readonly #clockFinding = new FindingLog();
  readonly #runtime: Runtime;
  #session: DetectorSession | null = null;
  #failure: string | null = null;
  /** why the report cannot be written; the node works without it */
  #reportTrouble: string | null = null;
  #ticks = 0;
  #timer: NodeJS.Timeout | undefined;
  #alive = true;

  /** Creates the node, declares its parameters, and starts to spin; nothing is configured yet. */
  static async start(args: RosArguments, ending: AbortSignal): Promise<Detector> {
    const node = nameThreadsOf('ros', () => new rcl.lifecycle.LifecycleNode(NODE_NAME, NAMESPACE));
    try {
      const log = nodeLog(node, () => true);
      const simClock = new SimClock(node);
      const detector = new Detector(node, simClock, await readNodeParameters(node, args.parameters, log));
      await detector.#run(ending);
      return detector;
    } catch (error) {
      node.destroy();
      throw error;
    }
  }

  private constructor(
    node: LifecycleNode,
    simClock: SimClock,
    overrides: ReadonlyMap<string, ParameterOverride>,
  ) {
    this.#node = node;
    this.#simClock = simClock;
    this.#log = nodeLog(node, () => this.#alive);
    followLogLevel(node, () => this.#alive);
    this.#lifecycle = new ManagedLifecycle(node, this, this.#log);
    this.#declared = declareParameters(node, DETECTOR_PARAMETERS, overrides, {
      log: this.#log,
      apply: (changed) => this.#apply(changed),
      isUnconfigured: () => this.#lifecycle.state === 'unconfigured',
    });
    const texts = new LatchedTexts(node);
    const publishText = (topic: string, text: string): void => texts.publish(topic, text);
    this.#driftTopic = new DriftTopicPublisher(publishText);
    this.#runtime = composeRuntime(this.#declared.values, {
      node: node.getFullyQualifiedName(),
      silentAfterMs: () => this.#parameters.silent_after_s * 1000,
      log: (level, line) => this.#log[level](line),
      whenRefused: 'leave-out',
      publishText,
    });
    serveCapture(node, (trigger) => this.#runtime.capture(trigger));
    guardServices(node, this.#log);
    this.#diagnostics = new DiagnosticsPublisher(node, hostname());
    this.#watch = new TopicWatch(node, this.#log);
    this.#clock = { ...systemClock, wallMs: () => (simClock.isSimulated ? rosWallMs(node) : Date.now()) };
  }

  get #parameters(): DetectorParameters {
    return this.#declared.values;
  }

  async #run(ending: AbortSignal): Promise<void> {
    await this.#runtime.start(ending);
    nameThreadsOf('ros', () => this.#node.spin());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
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
        reason: 'there must be at least one image topic',
      });
    }
    await this.#checkReportFile(parameters.report_file);
    const bundle = await openBundle(parameters.bundle, (line) => this.#log.info(line));
    const topics = nameTopics(images, parameters.image_type);
    if (topics.length < images.length)
      this.#log.warn(`image_topics names a topic twice (${images.join(', ')}): it counts as one camera`);
    const session = new DetectorSession(
      this.#node,
      parameters,
      bundle,
      topics,
      { clock: this.#clock, isTimeSimulated: () => this.#simClock.isSimulated },
      ({ thresholds }) => this.#limitsFor(thresholds),
      this.#log,
      (labels) => this.#runtime.takeLabels(labels),
    );
    const name = `${bundle.manifest.name}@${bundle.manifest.version}`;
    const info = await reportWhileWaiting(session.start(), (seconds) =>
      this.#log.info(stillLoading(name, seconds, parameters.providers)),
    );
    this.#declared.adopt(limitsOfBundle(bundle.manifest.thresholds));
    try {
      applyLimits(session, this.#parameters);
    } catch (error) {
      await session.close();
      throw error;
    }
    this.#session = session;
    this.#runtime.attach({
      pipeline: session.pipeline,
      cameras: topics.map(({ camera }) => camera),
      labels: bundle.manifest.labels,
      get bundle() {
        return session.models.running;
      },
      snapshot: () => session.pipeline.snapshot(),
      swapModel: (reference) => session.models.to(reference),
    });
    this.#log.info(
      `${info.bundle.name}@${info.bundle.version} (${info.variant}) on ${info.provider}: ` +
        `loaded in ${Math.round(info.loadMs)} ms, ` +
        `warm in ${Math.round(info.warmupMs)} ms; ` +
        `${topics.map((one) => `${one.image} -> ${one.detections}`).join(', ')}`,
    );
    this.#log.info(describeSized(info));
    for (const { level, text } of describeChoice(info)) this.#log[level](text);
    for (const { provider, reason } of info.refusals)
      this.#log.info(`provider ${provider} not used: ${reason}`);
  }

  /** The limits in force with a bundle: limits that nobody set become those of the bundle. */
  #limitsFor(thresholds: Parameters<typeof limitsOfBundle>[0]): LimitsPatch {
    this.#declared.adopt(limitsOfBundle(thresholds));
    return limitsAmong(this.#parameters);
  }

  /** Logged before the run whose report would be lost, and in diagnostics for as long as the session lasts. */
  async #checkReportFile(file: string): Promise<void> {
    this.#reportTrouble = null;
    try {
      await checkOutputFiles(file);
    } catch (error) {
      this.#reportTrouble = `report_file: ${describeError(error)}`;
      this.#log.error(this.#reportTrouble);
    }
  }

  activate(): Promise<void> {
    this.#session!.activate();
    this.#watch.open(this.#session!.cameras, this.#parameters.reliability);
    this.#log.info('the detector is active');
    return Promise.resolve();
  }

  async deactivate(): Promise<void> {
    this.#watch.close();
    await this.#session!.deactivate();
  }

  async cleanup(): Promise<void> {
    await this.#closeSession(() => this.#runtime.detach());
  }

  async shutdown(): Promise<void> {
    await this.#closeSession(() => this.#runtime.detach());
  }

  /**
   * The only way in which a session ends.
   * @param leave detaches it from the runtime, which sends its last stats: after its last frame, before it is freed
   */
  async #closeSession(leave: () => Promise<void> | void): Promise<void> {
    const session = this.#session;
    this.#session = null;
    this.#reportTrouble = null;
    this.#watch.close();
    await session?.deactivate();
    await leave();
    if (session === null) return;
    await this.#report(session);
    await session.close();
  }

  /** The report covers the session that ends; its failure must not keep the model from being freed. */
  async #report(session: DetectorSession): Promise<void> {
    const file = this.#parameters.report_file;
    if (file === '') return;
    try {
      const { bundle, startedAt, pipeline } = session;
      await writeReport(file, makeRunReport({ snapshot: pipeline.snapshot(), bundle, startedAt }));
    } catch (error) {
      this.#log.error(`report_file: ${describeError(error)}`);
    }
  }

  /** Applies parameters that may change at run time; a throw refuses them all. */
  #apply(changed: ReadonlyMap<string, ParameterValue>): void {
    debug(() => `set: ${JSON.stringify(Object.fromEntries(changed))}`);
    if (this.#session === null) return;
    applyLimits(this.#session, { ...this.#parameters, ...Object.fromEntries(changed) });
  }

  #tick(): void {
    this.#ticks += 1;
    const session = this.#session;
    session?.results.refresh();
    session?.annotated.refresh();
    const { drift, policy } = this.#runtime.partStatus();
    this.#driftTopic.update(drift, session?.pipeline.engineInfo?.bundle ?? null);
    if (this.#ticks % 2 !== 0) return;
    this.#publishTelemetryStatus();
    const findings = this.#watch.look(this.#parameters.silent_after_s);
    this.#diagnostics.publish(
      diagnose(
        {
          state: this.#lifecycle.state,
          complaints: this.#complaints(),
          snapshot: session?.pipeline.snapshot() ?? null,
          delayMs: session?.results.newestDelayMs ?? NaN,
          findings,
          telemetry: this.#runtime.telemetry(),
          drift,
          policy,
        },
        this.#parameters,
      ),
    );
  }

  #publishTelemetryStatus(): void {
    const telemetry = this.#runtime.telemetry();
    if (telemetry === null) return;
    this.#telemetryStatus ??= new DiagnosticsPublisher(this.#node, hostname(), TELEMETRY_STATUS_TOPIC);
    this.#telemetryStatus.publish(diagnoseTelemetry(telemetry));
  }

  #complaints(): readonly string[] {
    const clock = this.#findClockTrouble();
    const now = [this.#failure, this.#reportTrouble].filter((trouble) => trouble !== null);
    return [...now, ...clock, ...this.#declared.refused, ...this.#runtime.complaints()];
  }

  /** Logged once, and in diagnostics for as long as it lasts. */
  #findClockTrouble(): readonly string[] {
    const message = this.#simClock.trouble(this.#parameters.silent_after_s);
    this.#clockFinding.update(
      'node',
      message === undefined ? [] : [{ level: 'error', key: 'clock', message }],
      (finding) => this.#log.error(finding.message),
      (over) => this.#log.info(`resolved: ${over}`),
    );
    return message === undefined ? [] : [message];
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    // A model that is still loading is allowed to finish: stopping its threads midway would crash the process.
    await this.#lifecycle.settled();
    await this.#closeSession(() => this.#runtime.stop());
    this.#alive = false;
    this.#node.destroy();
  }
}

function applyLimits(session: DetectorSession, parameters: DetectorParameters): void {
  session.pipeline.setLimits(limitsAmong(parameters));
  for (const { rate } of session.cameras) rate.set(parameters.publish_rate);
}
