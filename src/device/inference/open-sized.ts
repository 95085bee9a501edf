import { PROVIDER_TABLE, PROVIDERS } from '../../contract/providers.ts';
import { keptSizingSchema } from '../../contract/sizing.ts';
import { letterboxFor } from '../../core/image/letterbox.ts';
import {
  chooseSettings,
  isBelieved,
  isDoubtful,
  safeChoice,
  settleDoubts,
  type SizingChoice,
} from '../../core/sizing/choice.ts';
import {
  candidatesFor,
  isSameSetting,
  type EngineSetting,
  type SettingCandidates,
  type SettingRequest,
} from '../../core/sizing/settings.ts';
import { usableCores } from '../machine/cpu.ts';
import { MeasurementCache, type MeasurementKey } from '../machine/measurement-cache.ts';
import { systemClock } from '../../platform/clock.ts';
import { debugLog } from '../../platform/debug.ts';
import type { EngineOptions } from './create-engine.ts';
import type { OpenedEngine, SettledEngine } from './elastic-engine.ts';
import type { EngineInfo } from './engine.ts';
import { machineFingerprint } from './machine-fingerprint.ts';
import { measureSettings, type SettingProbe } from './measure-settings.ts';
import { listUsableProviders } from './providers.ts';

const debug = debugLog('sizing');

/** Milliseconds after which rounds stop, and after which they are given up. */
const ENOUGH_MS = 350;
const LIMIT_MS = 1000;

export interface OpenSizedOptions {
  readonly engine: Omit<EngineOptions, 'workers' | 'threads' | 'queueDepth'>;
  readonly request: SettingRequest;
  /** gets measurements that cannot be stored or read */
  readonly log: (line: string) => void;
  /** An engine in a setting, not started yet. */
  readonly create: (setting: EngineSetting) => SettledEngine;
  /**
   * The same for the model that already runs; `isProbe`: letterboxed images only, all runners started at the same time.
   */
  readonly createLike: (setting: EngineSetting, like: EngineInfo, isProbe: boolean) => SettledEngine;
}

/** Engines that were started and must be closed on failure or abort. */
class Opened {
  readonly #engines = new Set<SettledEngine>();

  async start(engine: SettledEngine): Promise<EngineInfo> {
    this.#engines.add(engine);
    return engine.start();
  }

  async closeAllBut(kept: SettledEngine | null): Promise<void> {
    await Promise.all([...this.#engines].filter((engine) => engine !== kept).map((engine) => engine.close()));
  }
}

/**
 * Starts an engine in the setting that answers soonest here: that of the engine that it is to be like, or as measured
 * earlier for this bundle on this machine, otherwise as measured now. Rejects with the engine's coded error and leaves
 * nothing running.
 */
export async function openSized(options: OpenSizedOptions, signal: AbortSignal): Promise<OpenedEngine> {
  const opened = new Opened();
  const onAbort = (): void => void opened.closeAllBut(null);
  signal.addEventListener('abort', onAbort);
  try {
    const found = await open(options, opened, signal);
    signal.throwIfAborted();
    return found;
  } catch (error) {
    await opened.closeAllBut(null);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function open(options: OpenSizedOptions, opened: Opened, signal: AbortSignal): Promise<OpenedEngine> {
  const { request, create, createLike, log } = options;
  const before = options.engine.like?.sizing ?? null;
  if (before !== null) return openAsBefore(before, create, opened);
  const cores = usableCores();
  const cache = options.engine.cache ?? new MeasurementCache(log);
  const key = await keyFor(options);
  const kept = await cache.read(key, keptSizingSchema);
  const guess = candidatesFor({ cores, isAccelerated: isAccelerated(options.engine.preferred) }, request);
  const isKept = kept !== null && isBelieved(kept.doubts);
  const firstSetting = isKept ? kept.latency : guess.safe;
  const first = create(firstSetting);
  const info = await opened.start(first);
  const { variant, provider } = info;
  const candidates = candidatesFor(
    { cores, isAccelerated: PROVIDER_TABLE[provider].device === 'gpu' },
    request,
  );
  debug(
    () => `${cores} cores; stored: ${JSON.stringify(kept)}; started with ${JSON.stringify(firstSetting)}`,
  );
  const isAlike = kept?.variant === variant && kept.provider === provider;
  if (isKept && isAlike) {
    const { latency, throughput, isProven, why, measured } = kept;
    return {
      engine: first,
      info,
      choice: { latency, throughput, isProven, why, measured, isMeasured: true },
    };
  }
  const running = { setting: firstSetting, engine: first, info };
  const found = await measure(options, candidates, running, opened, signal);
  const doubts = isDoubtful(found) ? (isAlike ? kept.doubts : 0) + 1 : 0;
  const choice = settleDoubts(found, candidates, doubts);
  if (found.isMeasured) {
    const { latency, throughput, isProven, why, measured } = found;
    await cache.write(key, { variant, provider, latency, throughput, isProven, why, measured, doubts });
  }
  if (isSameSetting(choice.latency, firstSetting)) return { engine: first, info, choice };
  const second = createLike(choice.latency, info, false);
  const secondInfo = await opened.start(second);
  await first.close();
  return { engine: second, info: secondInfo, choice };
}

/** In the settings that an engine of the same bundle had here; it moves between them anew. */
async function openAsBefore(
  { latency, throughput, isProven, why, measured, isMeasured }: SizingChoice,
  create: OpenSizedOptions['create'],
  opened: Opened,
): Promise<OpenedEngine> {
  const engine = create(latency);
  const info = await opened.start(engine);
  return { engine, info, choice: { latency, throughput, isProven, why, measured, isMeasured } };
}

/** Measures the candidates on separate engines, which are closed afterwards. */
async function measure(
  { createLike, log, engine: { bundle } }: OpenSizedOptions,
  candidates: SettingCandidates,
  running: { readonly setting: EngineSetting; readonly engine: SettledEngine; readonly info: EngineInfo },
  opened: Opened,
  signal: AbortSignal,
): Promise<SizingChoice> {
  const wanted = [...candidates.latency, ...candidates.throughput];
  if (wanted.length === 1)
    return { ...safeChoice(candidates, 'there is nothing to choose'), isMeasured: true };
  const engines = [{ setting: running.setting, engine: running.engine }];
  const probes: SettingProbe[] = [];
  try {
    for (const setting of [...wanted].sort((a, b) => b.workers - a.workers)) {
      let found = engines.find((one) => canStandFor(one.setting, setting));
      if (found === undefined) {
        found = { setting, engine: createLike(setting, running.info, true) };
        await opened.start(found.engine);
        engines.push(found);
      }
      probes.push({ setting, engine: found.engine });
    }
    const { width, height, anchor } = bundle.manifest.input;
    const { score, iou, maxDetections } = bundle.manifest.thresholds;
    const rounds = await measureSettings({
      probes,
      image: {
        kind: 'letterboxed',
        letterbox: letterboxFor(2 * width, 2 * height, width, height, anchor),
        encoding: 'rgb8',
        step: 3 * width,
        bytes: 3 * width * height,
      },
      limits: { scoreThreshold: score, iouThreshold: iou, maxDetections, classFilter: null },
      clock: systemClock,
      enoughMs: ENOUGH_MS,
      limitMs: LIMIT_MS,
      signal,
    });
    const found = chooseSettings(candidates, rounds);
    debug(() => `${rounds.length} rounds of ${probes.length} settings: ${JSON.stringify(found)}`);
    return found;
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    log(`settings could not be measured: ${reason}`);
    return safeChoice(candidates, `measuring failed: ${reason}`);
  } finally {
    await opened.closeAllBut(running.engine);
  }
}

/** True if an engine of one setting, given work for fewer runners, shows what the other would do. */
function canStandFor(setting: EngineSetting, wanted: EngineSetting): boolean {
  return (
    setting.threads === wanted.threads &&
    (wanted.workers === 1 || setting.workers === wanted.workers) &&
    setting.workers * setting.queueDepth >= wanted.workers * wanted.queueDepth
  );
}

function isAccelerated(preferred: EngineOptions['preferred']): boolean {
  const usable = listUsableProviders();
  const first = (preferred ?? PROVIDERS).find((provider) => usable.includes(provider));
  return first === undefined || PROVIDER_TABLE[first].device === 'gpu';
}

async function keyFor({ engine, request }: OpenSizedOptions): Promise<MeasurementKey> {
  return {
    what: 'sizing',
    bundleDigest: engine.bundle.digest,
    fingerprint: (await machineFingerprint()).digest,
    kind: engine.kind ?? 'worker',
    providers: (engine.preferred ?? PROVIDERS).join(','),
    variant: engine.variant ?? '',
    ...request,
  };
}
