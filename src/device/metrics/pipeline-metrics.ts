import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { DROP_REASONS } from '../../contract/drops.ts';
import type { EngineInfo } from '../inference/engine.ts';
import { STAGES, type FrameResult, type ResultSink } from '../pipeline/frame/frame-result.ts';
import type { CameraSnapshot, PipelineSnapshot } from '../pipeline/statistics/snapshot.ts';

/** seconds; fine-grained around the 33 ms of a 30 Hz camera */
const FRAME_BUCKETS = [0.005, 0.01, 0.015, 0.02, 0.025, 0.033, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 5];
const STAGE_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.033, 0.05, 0.1, 0.5,
];

const CAMERA_LABELS = ['camera', 'bundle', 'provider'];

/** Where the metrics are read from. */
export interface PipelineView {
  readonly engineInfo: EngineInfo | null;
  snapshot(): PipelineSnapshot;
}

/** A per-camera metric that is read on each scrape. */
interface CameraMetric {
  readonly name: string;
  readonly help: string;
  readonly read: (camera: CameraSnapshot) => number;
}

const CAMERA_COUNTERS: readonly CameraMetric[] = [
  {
    name: 'goshawk_frames_received_total',
    help: 'Frames that arrived. Equals published plus dropped plus in flight.',
    read: ({ frames }) => frames.received,
  },
  {
    name: 'goshawk_frames_published_total',
    help: 'Frames whose detections were published.',
    read: ({ frames }) => frames.published,
  },
  {
    name: 'goshawk_clock_resets_total',
    help: 'How often the stamps of a camera started a new timeline.',
    read: ({ clockResets }) => clockResets,
  },
];

const CAMERA_GAUGES: readonly CameraMetric[] = [
  {
    name: 'goshawk_frames_in_flight',
    help: 'Frames that are waiting or being processed.',
    read: ({ frames }) => frames.inFlight,
  },
  {
    name: 'goshawk_frames_published_ratio',
    help: 'Share of the frames of the last seconds that were published, 0 to 1.',
    read: ({ fps }) => (fps.in > 0 ? Math.min(1, fps.out / fps.in) : 0),
  },
];

/** One camera's histogram children, looked up once and not for each frame. */
interface CameraObservers {
  readonly latency: Histogram.Internal<string>;
  readonly stages: readonly Histogram.Internal<string>[];
}

/**
 * A pipeline's metrics for Prometheus: histograms are filled as frames are published (this is a sink), everything else
 * is set from one snapshot of the pipeline per scrape, so that the sums agree within a scrape.
 */
export class PipelineMetrics implements ResultSink {
  readonly name = 'metrics';
  readonly #pipeline: PipelineView;
  readonly #registry = new Registry();
  readonly #registers = [this.#registry];
  readonly #latency = new Histogram({
    name: 'goshawk_frame_latency_seconds',
    help: 'Time from receipt of a frame to publication of its detections.',
    labelNames: CAMERA_LABELS,
    buckets: FRAME_BUCKETS,
    registers: this.#registers,
  });
  readonly #stages = new Histogram({
    name: 'goshawk_stage_seconds',
    help: 'Time that published frames spent in each stage.',
    labelNames: [...CAMERA_LABELS, 'stage'],
    buckets: STAGE_BUCKETS,
    registers: this.#registers,
  });
  readonly #drops = new Counter({
    name: 'goshawk_frames_dropped_total',
    help: 'Frames that were received and not published, by reason.',
    labelNames: [...CAMERA_LABELS, 'reason'],
    registers: this.#registers,
  });
  readonly #bundleInfo = this.#gauge('goshawk_bundle_info', 'The running bundle; always 1.', [
    'name',
    'version',
    'digest',
    'variant',
    'provider',
  ]);
  readonly #providerNodes = this.#gauge(
    'goshawk_provider_nodes',
    'Nodes of the graph that run on each execution provider.',
    ['provider'],
  );
  readonly #referenceCheck = this.#gauge(
    'goshawk_reference_check',
    'Whether the running variant reproduces its reference outputs: 1 for the verdict that applies.',
    ['variant', 'verdict'],
  );
  readonly #referenceDeviation = this.#gauge(
    'goshawk_reference_deviation_ratio',
    'Deviation of the running variant from its references; absent if nothing was compared.',
    ['of'],
  );
  readonly #variantsRefused = this.#gauge(
    'goshawk_variants_refused',
    'Ways to run the bundle that failed the reference check.',
  );
  readonly #memory = this.#gauge('goshawk_process_resident_memory_bytes', 'Resident memory of the process.');
  // not `quantile`: that label belongs to summaries
  readonly #loopDelay = this.#gauge('goshawk_event_loop_delay_seconds', 'How late timers fire.', [
    'statistic',
  ]);
  readonly #uptime = this.#gauge('goshawk_uptime_seconds', 'Time since the pipeline was started.');
  readonly #engineLost = this.#counter(
    'goshawk_engine_lost_total',
    'Inference threads or processes lost.',
    [],
  );
  readonly #cameraCounters = CAMERA_COUNTERS.map(({ name, help }) =>
    this.#counter(name, help, CAMERA_LABELS),
  );
  readonly #cameraGauges = CAMERA_GAUGES.map(({ name, help }) => this.#gauge(name, help, CAMERA_LABELS));
  readonly #observers = new Map<string, CameraObservers>();
  #observedDigest = '';

  constructor(pipeline: PipelineView) {
    this.#pipeline = pipeline;
  }

  /** The exposition text of one scrape. */
  text(): Promise<string> {
    this.#refresh(this.#pipeline.snapshot());
    return this.#registry.metrics();
  }

  deliver(result: FrameResult): void {
    const { latency, stages } = this.#observersOf(result);
    latency.observe(result.totalMs / 1000);
    for (let i = 0; i < stages.length; i++) stages[i]?.observe((result.stageMs[i] ?? 0) / 1000);
  }

  #observersOf({ envelope: { camera }, bundleDigest }: FrameResult): CameraObservers {
    if (bundleDigest !== this.#observedDigest) {
      this.#observedDigest = bundleDigest;
      this.#observers.clear();
    }
    let observers = this.#observers.get(camera);
    if (observers === undefined) {
      const labels = this.#labelsOf(camera);
      observers = {
        latency: this.#latency.labels(labels),
        stages: STAGES.map((stage) => this.#stages.labels({ ...labels, stage })),
      };
      this.#observers.set(camera, observers);
    }
    return observers;
  }

  #labelsOf(camera: string): Record<string, string> {
    const engine = this.#pipeline.engineInfo;
    const bundle = engine === null ? 'none' : `${engine.bundle.name}@${engine.bundle.version}`;
    return { camera, bundle, provider: engine?.provider ?? 'none' };
  }

  #refresh({ cameras, engine, engineLost, process, uptimeSeconds }: PipelineSnapshot): void {
    this.#drops.reset();
    for (const counter of this.#cameraCounters) counter.reset();
    for (const gauge of this.#cameraGauges) gauge.reset();
    for (const [name, camera] of Object.entries(cameras)) this.#refreshCamera(this.#labelsOf(name), camera);
    this.#engineLost.reset();
    this.#engineLost.inc(engineLost);
    this.#memory.set(process.rssBytes);
    this.#uptime.set(uptimeSeconds);
    const { p50, p99, max } = process.eventLoopDelayMs;
    this.#loopDelay.set({ statistic: 'p50' }, p50 / 1000);
    this.#loopDelay.set({ statistic: 'p99' }, p99 / 1000);
    this.#loopDelay.set({ statistic: 'max' }, max / 1000);
    this.#bundleInfo.reset();
    this.#providerNodes.reset();
    this.#referenceCheck.reset();
    this.#referenceDeviation.reset();
    this.#variantsRefused.reset();
    if (engine === null) return;
    const { bundle, variant, provider, nodesByProvider } = engine;
    const { name, version, digest } = bundle;
    this.#bundleInfo.set({ name, version, digest, variant, provider }, 1);
    for (const [runsOn, nodes] of Object.entries(nodesByProvider))
      this.#providerNodes.set({ provider: runsOn }, nodes);
    this.#refreshReferences(engine);
  }

  #refreshReferences({ variant, referenceCheck, choice }: EngineInfo): void {
    for (const verdict of ['passed', 'refused', 'unchecked'] as const)
      this.#referenceCheck.set({ variant, verdict }, referenceCheck.verdict === verdict ? 1 : 0);
    for (const quantity of ['scores', 'boxes'] as const) {
      const deviation = referenceCheck[quantity];
      if (deviation !== null) this.#referenceDeviation.set({ of: quantity }, deviation);
    }
    this.#variantsRefused.set(choice.candidates.filter(({ check }) => check.verdict === 'refused').length);
  }

  #refreshCamera(labels: Record<string, string>, camera: CameraSnapshot): void {
    CAMERA_COUNTERS.forEach(({ read }, index) => this.#cameraCounters[index]?.inc(labels, read(camera)));
    CAMERA_GAUGES.forEach(({ read }, index) => this.#cameraGauges[index]?.set(labels, read(camera)));
    // reasons that never occurred are shown as 0, so that rates and alerts exist before the first drop
    for (const reason of DROP_REASONS)
      this.#drops.inc({ ...labels, reason }, camera.frames.drops[reason] ?? 0);
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({ name, help, labelNames: [...labelNames], registers: this.#registers });
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: this.#registers });
  }
}
