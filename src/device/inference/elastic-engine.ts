import type { Detections } from '../../core/detections.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { SizingChoice } from '../../core/sizing/choice.ts';
import { LoadWatch, type SettingRole } from '../../core/sizing/load-watch.ts';
import { describeSetting, type EngineSetting } from '../../core/sizing/settings.ts';
import { systemClock, type Clock, type TimerHandle } from '../../platform/clock.ts';
import type {
  DecodeLimits,
  EngineIncident,
  EngineInfo,
  EngineSizing,
  InferenceEngine,
  InferenceInput,
  InferenceOutcome,
  SizingObserver,
} from './engine.ts';

/** An engine in one setting; only its queue depth can change while it runs. */
export interface SettledEngine extends InferenceEngine {
  setQueueDepth(depth: number): void;
}

/** The initial state of an elastic engine. */
export interface OpenedEngine {
  /** started, in the latency setting of the choice */
  readonly engine: SettledEngine;
  readonly info: EngineInfo;
  readonly choice: SizingChoice;
}

export interface ElasticEngineOptions {
  /**
   * Decides which settings to use and starts an engine in the first of them. If it rejects, whatever it started is
   * closed.
   */
  readonly open: (signal: AbortSignal) => Promise<OpenedEngine>;
  /** An engine of the same model in another setting, not started yet. */
  readonly create: (setting: EngineSetting, like: EngineInfo) => SettledEngine;
  /** seam for tests */
  readonly clock?: Clock;
}

/** how often the load is checked, milliseconds */
const LOOK_MS = 250;
/** sessions that were left are kept for this long after their last job, so that its result can be delivered */
const LINGER_MS = 100;
/** newer results that may wait for a frame in the sessions that are being left */
const WAIT_FOR_LEAVING = 32;

/** Sessions in one setting and the work in flight in them. */
interface Serving {
  readonly engine: SettledEngine;
  info: EngineInfo;
  setting: EngineSetting;
  inFlight: number;
  /** runners that were lost and not replaced yet */
  missing: number;
}

/** Sessions that are being prepared in the background. */
interface Standby {
  readonly setting: EngineSetting;
  readonly engine: SettledEngine;
  /** null if they could not be started; `reason` says why */
  readonly ready: Promise<Serving | null>;
  reason: string;
}

/**
 * An engine with two settings: one answers soonest, the other has the highest rate. It starts in the first and moves to
 * the second while more frames arrive than the first can handle. The sessions of the new setting are loaded and warm
 * before they get a frame; frames in flight finish in the old sessions, which are then closed. A move loses no frame.
 */
export class ElasticEngine implements InferenceEngine {
  readonly #options: ElasticEngineOptions;
  readonly #clock: Clock;
  #watch = new LoadWatch(false);
  readonly #listeners: ((incident: EngineIncident) => void)[] = [];
  readonly #abort = new AbortController();
  #opening: Promise<OpenedEngine> | null = null;
  #choice: SizingChoice | null = null;
  #current: Serving | null = null;
  #leaving: Serving | null = null;
  #standby: Standby | null = null;
  #isMoving = false;
  #role: SettingRole = 'latency';
  #moves = 0;
  #lastMove: string | null = null;
  #observer: SizingObserver | null = null;
  #lookTimer: TimerHandle | null = null;
  #closed: Promise<void> | null = null;
  /** the last job's shape, for warming up; its pixels are gone */
  #lastJob: { readonly input: InferenceInput; readonly bytes: number; readonly limits: DecodeLimits } | null =
    null;

  constructor(options: ElasticEngineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Jobs in sessions that are being left do not count: nobody gets their places. */
  get parallel(): number {
    return (this.#current?.engine.parallel ?? 1) + (this.#leaving?.inFlight ?? 0);
  }

  get maxParallel(): number {
    const { latency, throughput } = this.#choice ?? {};
    return Math.max(1, parallelOf(latency) + parallelOf(throughput ?? undefined));
  }

  get reorderWindow(): number {
    return this.parallel + (this.#leaving === null ? 0 : WAIT_FOR_LEAVING);
  }

  async start(): Promise<EngineInfo> {
    this.#opening = this.#options.open(this.#abort.signal);
    const { engine, info, choice } = await this.#opening;
    if (this.#closed !== null) {
      await engine.close();
      throw new GoshawkError('GOSHAWK_INTERNAL', { reason: 'the engine was closed while it started' });
    }
    this.#choice = choice;
    this.#watch = new LoadWatch(choice.isProven);
    this.#current = this.#adopt(engine, info, choice.latency);
    if (choice.throughput !== null) this.#lookLater();
    return this.#describe(this.#current, choice);
  }

  follow(observer: SizingObserver): void {
    this.#observer = observer;
  }

  infer(inputs: readonly InferenceInput[], limits: DecodeLimits): Promise<InferenceOutcome> {
    const serving = this.#current;
    if (serving === null) return Promise.resolve(notStarted(inputs));
    this.#remember(inputs[0], limits);
    serving.inFlight += 1;
    return serving.engine.infer(inputs, limits).then((outcome) => {
      serving.inFlight -= 1;
      if (serving === this.#leaving && serving.inFlight === 0) this.#retireSoon(serving);
      return outcome;
    });
  }

  recycle(detections: Detections): void {
    this.#current?.engine.recycle?.(detections);
  }

  onIncident(listener: (incident: EngineIncident) => void): void {
    this.#listeners.push(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    if (this.#lookTimer !== null) this.#clock.stopTimer(this.#lookTimer);
    this.#abort.abort();
    const opened = await this.#opening?.catch(() => null);
    const engines = [opened, this.#current, this.#leaving, this.#standby].flatMap((one) => one?.engine ?? []);
    await Promise.all([...new Set(engines)].map((engine) => engine.close()));
  }

  #remember(input: InferenceInput | undefined, limits: DecodeLimits): void {
    if (input === undefined || this.#choice?.throughput === null) return;
    this.#lastJob = { input, bytes: input.pixels.byteLength, limits };
  }

  #lookLater(): void {
    this.#lookTimer = this.#clock.startTimer(() => {
      if (this.#closed !== null) return;
      this.#lookLater();
      this.#look();
    }, LOOK_MS);
  }

  #look(): void {
    const { throughput } = this.#choice ?? {};
    if (this.#observer === null || throughput === undefined || throughput === null) return;
    const advice = this.#watch.sample(this.#clock.monotonicMs(), this.#observer.counts());
    if (this.#isMoving || this.#leaving !== null || advice === 'stay') return;
    if (advice === 'prepare') this.#prepare(throughput);
    else if (advice === 'release') void this.#release();
    else void this.#move(advice);
  }

  async #move(role: SettingRole): Promise<void> {
    const { latency, throughput } = this.#choice ?? {};
    const setting = role === 'latency' ? latency : throughput;
    const from = this.#current;
    if (setting === undefined || setting === null || from === null) return;
    this.#isMoving = true;
    const { why } = this.#watch;
    if (isSameSessions(setting, from.setting)) {
      from.engine.setQueueDepth(setting.queueDepth);
      from.setting = setting;
      this.#arrive(role, why);
    } else {
      const serving = await this.#prepare(setting)?.ready;
      if (this.#closed !== null) return;
      const reason = this.#standby?.reason ?? '';
      this.#standby = null;
      if (serving === undefined || serving === null || serving.missing > 0)
        this.#stay(setting, reason, serving);
      else {
        this.#current = serving;
        this.#leaving = from;
        if (from.inFlight === 0) this.#retireSoon(from);
        this.#arrive(role, why);
      }
    }
    this.#isMoving = false;
  }

  #arrive(role: SettingRole, why: string): void {
    const current = this.#current;
    if (current === null) return;
    this.#role = role;
    this.#moves += 1;
    this.#lastMove = `moved to ${describeSetting(current.setting)} (${role}): ${why}`;
    this.#watch.moved(this.#clock.monotonicMs(), role);
    this.#tell('info');
  }

  /** The new setting could not be started: the engine stays with the old one. */
  #stay(setting: EngineSetting, reason: string, broken: Serving | null | undefined): void {
    void broken?.engine.close();
    const current = this.#current;
    if (current === null) return;
    const words = reason === '' ? 'its runners ended before their first frame' : reason;
    this.#lastMove =
      `stayed with ${describeSetting(current.setting)}: ${describeSetting(setting)} could not ` +
      `be started: ${words}`;
    this.#watch.failed(this.#clock.monotonicMs());
    this.#tell('warn');
  }

  #tell(level: 'info' | 'warn'): void {
    if (this.#current === null || this.#choice === null) return;
    this.#observer?.onSizing(this.#describe(this.#current, this.#choice), level, this.#lastMove ?? '');
  }

  /** Loads and warms the sessions of another setting in the background, unless that is already under way. */
  #prepare(setting: EngineSetting): Standby | null {
    const like = this.#current?.info;
    if (like === undefined || (this.#current !== null && isSameSessions(setting, this.#current.setting)))
      return null;
    if (this.#standby !== null) return this.#standby;
    const engine = this.#options.create(setting, like);
    const standby: Standby = {
      setting,
      engine,
      reason: '',
      ready: this.#warm(this.#adopt(engine, like, setting)).catch(async (error: unknown) => {
        standby.reason = describeError(error);
        await engine.close();
        return null;
      }),
    };
    this.#standby = standby;
    return standby;
  }

  async #warm(serving: Serving): Promise<Serving> {
    const { engine, setting } = serving;
    serving.info = await engine.start();
    const last = this.#lastJob;
    if (last === null) return serving;
    // One image of the cameras' shape for each runner, so that its graph and memory are ready before the first frame.
    const { input, bytes, limits } = last;
    const jobs = Array.from({ length: setting.workers }, () =>
      engine.infer([{ ...input, pixels: new Uint8Array(bytes) }], limits),
    );
    for (const { items } of await Promise.all(jobs)) {
      const [item] = items;
      if (item?.ok === false && item.reason !== 'invalid_output') throw new Error(item.message);
    }
    return serving;
  }

  async #release(): Promise<void> {
    const standby = this.#standby;
    this.#standby = null;
    await standby?.engine.close();
  }

  /** Reports incidents of sessions that serve frames; for others, an incident only means that they cannot be used. */
  #adopt(engine: SettledEngine, info: EngineInfo, setting: EngineSetting): Serving {
    const serving: Serving = { engine, info, setting, inFlight: 0, missing: 0 };
    engine.onIncident((incident) => {
      if (incident.kind === 'lost') serving.missing += 1;
      // a runner that was lost before anyone listened
      if (incident.kind === 'restored' && serving.missing === 0) return;
      if (incident.kind === 'restored') serving.missing -= 1;
      if (serving === this.#current || serving === this.#leaving) this.#report(incident);
    });
    return serving;
  }

  #report(incident: EngineIncident): void {
    for (const listener of this.#listeners) listener(incident);
  }

  #retireSoon(leaving: Serving): void {
    this.#clock.startTimer(() => {
      if (this.#leaving !== leaving || this.#closed !== null) return;
      this.#leaving = null;
      // What these sessions lost will not be restored, and nothing is missing without it.
      for (; leaving.missing > 0; leaving.missing -= 1) {
        const message = 'runners of the new setting replaced it';
        this.#report({ kind: 'restored', code: 'GOSHAWK_ENGINE_CRASHED', message, lostJobs: 0 });
      }
      void leaving.engine.close();
    }, LINGER_MS);
  }

  #describe({ info, setting }: Serving, choice: SizingChoice): EngineInfo {
    const sizing: EngineSizing = {
      ...choice,
      role: this.#role,
      moves: this.#moves,
      lastMove: this.#lastMove,
    };
    return { ...info, ...setting, sizing };
  }
}

function parallelOf(setting: EngineSetting | undefined): number {
  return setting === undefined ? 0 : setting.workers * setting.queueDepth;
}

/** True if they differ in queue depth only. */
function isSameSessions(a: EngineSetting, b: EngineSetting): boolean {
  return a.workers === b.workers && a.threads === b.threads;
}

function notStarted(inputs: readonly InferenceInput[]): InferenceOutcome {
  const { code, message } = new GoshawkError('GOSHAWK_INFERENCE_FAILED', {
    reason: 'the engine has not started',
  });
  const items = inputs.map(
    ({ pixels }) => ({ ok: false, reason: 'inference_failed', code, message, pixels }) as const,
  );
  return { items, times: { queue: 0, inference: 0, decode: 0 } };
}
