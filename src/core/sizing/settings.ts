/** How an engine uses a machine. */
export interface EngineSetting {
  /** runners, each with its own session, >= 1 */
  readonly workers: number;
  /** threads per runner, which share one image, >= 1 */
  readonly threads: number;
  /**
   * jobs that a runner holds at once, >= 1; 2 hides the hop between threads at the cost of queueing for a
   * frame
   */
  readonly queueDepth: number;
}

/** What the operator set; `null` means automatic. */
export type SettingRequest = { readonly [Name in keyof EngineSetting]: number | null };

/** The machine that settings are chosen for. */
export interface SizingMachine {
  /** cores that this process may use (affinity mask, control group's quota), rounded up */
  readonly cores: number;
  /** true if the model runs on an accelerator, of which there is one */
  readonly isAccelerated: boolean;
}

/** Settings worth measuring. */
export interface SettingCandidates {
  /** for the lowest latency; never empty, fewer threads first */
  readonly latency: readonly EngineSetting[];
  /** for the highest rate; empty if there is nothing to choose */
  readonly throughput: readonly EngineSetting[];
  /** used if nothing could be measured */
  readonly safe: EngineSetting;
}

/** Small networks gain little from more threads: their layers have too little work to divide. */
const MAX_THREADS = 4;
/** Each worker has its own copy of the weights and intermediate results. */
const MAX_WORKERS = 4;

/**
 * Cores that inference may fill. A third of a larger machine is left to DDS, cameras, image decoding and
 * whatever else the robot runs.
 */
export function coresForInference(cores: number): number {
  const whole = Math.max(1, Math.floor(cores));
  return whole <= 2 ? whole : whole - Math.max(1, Math.floor(whole / 3));
}

/** The settings that a machine offers for a request. All of them keep the values that the request fixes. */
export function candidatesFor(machine: SizingMachine, request: SettingRequest): SettingCandidates {
  const cores = machine.isAccelerated ? 1 : coresForInference(machine.cores);
  const latency = latencySettings(cores, request);
  const isAlone = !machine.isAccelerated && cores === 1;
  const throughput = isAlone
    ? []
    : throughputSettings(cores, request).filter((one) => !includes(latency, one));
  return { latency, throughput, safe: latency.find(({ threads }) => threads >= 2) ?? latency[0]! };
}

export function isSameSetting(a: EngineSetting, b: EngineSetting): boolean {
  return a.workers === b.workers && a.threads === b.threads && a.queueDepth === b.queueDepth;
}

/** `2 workers x 1 thread, queue depth 2`. */
export function describeSetting({ workers, threads, queueDepth }: EngineSetting): string {
  const counted = (count: number, name: string): string =>
    `${String(count)} ${name}${count === 1 ? '' : 's'}`;
  return `${counted(workers, 'worker')} x ${counted(threads, 'thread')}, queue depth ${String(queueDepth)}`;
}

/** One worker whose threads share an image. */
function latencySettings(cores: number, request: SettingRequest): EngineSetting[] {
  const workers = request.workers ?? 1;
  const most = Math.max(1, Math.min(MAX_THREADS, Math.floor(cores / workers)));
  const threads = request.threads === null ? ascending([1, 2, most], most) : [request.threads];
  return threads.map((count) => ({ workers, threads: count, queueDepth: request.queueDepth ?? 1 }));
}

/** Several workers, each with its own image, so that no thread waits for another. */
function throughputSettings(cores: number, request: SettingRequest): EngineSetting[] {
  const queueDepth = request.queueDepth ?? 2;
  const settings: EngineSetting[] = [];
  for (const threads of request.threads === null ? [1, 2] : [request.threads]) {
    const most = Math.max(1, Math.min(MAX_WORKERS, Math.floor(cores / threads)));
    const workers = request.workers ?? most;
    const fits = threads === 1 || workers * threads <= cores;
    // Two threads per worker only if that still leaves two workers, or the operator set their number.
    const isDivided = threads === 1 || workers >= 2 || request.workers !== null;
    if (request.threads !== null || (fits && isDivided)) settings.push({ workers, threads, queueDepth });
  }
  return settings;
}

function ascending(counts: readonly number[], most: number): number[] {
  return [...new Set(counts)].filter((count) => count <= most).sort((a, b) => a - b);
}

function includes(settings: readonly EngineSetting[], wanted: EngineSetting): boolean {
  return settings.some((setting) => isSameSetting(setting, wanted));
}
