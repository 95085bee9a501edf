import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { meanAndDeviation } from '../../core/mean-and-deviation.ts';
import { isQuantity } from '../../contract/quantities.ts';
import type { HostStats } from '../../contract/telemetry/shapes.ts';
import { coresBetween, readThreadTimes, type ThreadTimes } from './thread-reader.ts';

/** Sensor readings. A value that the machine has no sensor for is absent, never guessed. */
export type SensorReading = Pick<HostStats, 'temperatureCelsius' | 'powerWatts' | 'gpuRatio' | 'clockHertz'>;

/** where Jetsons report the load of the GPU, in tenths of a percent */
const GPU_LOAD_FILES = [
  'sys/devices/platform/gpu.0/load',
  'sys/devices/gpu.0/load',
  'sys/devices/platform/bus@0/17000000.gpu/load',
  'sys/devices/platform/17000000.gpu/load',
];

/** Ticks of all cores since boot. */
interface Ticks {
  readonly busy: number;
  readonly total: number;
}

interface HostOptions {
  /** a folder on the disk to report, or where one will be; none is reported without it */
  readonly disk?: string;
  /** monotonic milliseconds */
  readonly nowMs?: () => number;
}

/** Reads the state of the machine from /proc and /sys. */
export class HostReader {
  readonly #root: string;
  readonly #lastTicks = new WeakMap<object, Ticks>();
  readonly #lastThreads = new WeakMap<object, ThreadTimes>();
  readonly #disk: string | null;
  readonly #nowMs: () => number;

  /** @param root where `proc` and `sys` are found; default `/` */
  constructor(root = '/', { disk, nowMs = () => performance.now() }: HostOptions = {}) {
    this.#root = root;
    this.#disk = disk ?? null;
    this.#nowMs = nowMs;
  }

  /** @param reader the caller: each has a separate window of CPU load, however often others read */
  read(reader: object): HostStats {
    return {
      ...this.#readCpu(reader),
      ...this.#readThreads(reader),
      ...this.#readMemory(),
      ...this.#readDisk(),
      ...this.readSensors(),
    };
  }

  /** What does not depend on an earlier reading, so that several callers may ask. */
  readSensors(): SensorReading {
    return {
      ...present('temperatureCelsius', this.#readTemperatures()),
      ...present('powerWatts', this.#readPower()),
      ...this.#readGpu(),
      ...present('clockHertz', { ...this.#readCpuClocks(), ...this.#readGpuClock() }),
    };
  }

  /**
   * proc(5): the first line of /proc/stat counts ticks of all cores: user nice system idle iowait irq softirq
   * steal.
   */
  #readCpu(reader: object): HostStats {
    const line = /^cpu +([\d ]+)/m.exec(this.#text('proc/stat') ?? '')?.[1];
    if (line === undefined) return {};
    const ticks = line.split(' ').slice(0, 8).map(Number);
    const total = ticks.reduce((sum, count) => sum + count, 0);
    const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
    const busy = total - idle;
    const last = this.#lastTicks.get(reader);
    this.#lastTicks.set(reader, { busy, total });
    if (last === undefined || total <= last.total) return {};
    const ratio = (busy - last.busy) / (total - last.total);
    return { cpuRatio: Math.min(1, Math.max(0, ratio)) };
  }

  #readThreads(reader: object): HostStats {
    const read = (file: string): string | undefined => this.#text(join('proc/self', file));
    const now = readThreadTimes(this.#list('proc/self/task'), read, this.#nowMs());
    const before = this.#lastThreads.get(reader);
    this.#lastThreads.set(reader, now);
    if (before === undefined || now.threads.size === 0) return {};
    // a tick in an instant is more cores than there are
    const cores = Object.entries(coresBetween(before, now)).filter(([, used]) => isQuantity('cores', used));
    return { cpuByThread: Object.fromEntries(cores) };
  }

  /** Of the nearest folder that is there: the one in question may not be made yet. */
  #readDisk(): HostStats {
    for (let folder = this.#disk; folder !== null; folder = dirname(folder)) {
      try {
        const { bavail, blocks, bsize } = statfsSync(folder);
        const sizes = { diskFreeBytes: bavail * bsize, diskTotalBytes: blocks * bsize };
        // a file system without an end, as some on a network are, reports an absurd size
        return areBytes(sizes) ? sizes : {};
      } catch {
        if (folder === dirname(folder)) break;
      }
    }
    return {};
  }

  #readMemory(): HostStats {
    const text = this.#text('proc/meminfo') ?? '';
    const total = kilobytes(text, 'MemTotal');
    const available = kilobytes(text, 'MemAvailable');
    if (total === undefined || available === undefined) return {};
    const sizes = { memoryTotalBytes: total, memoryUsedBytes: total - available };
    // in a container the two may be of different machines
    return areBytes(sizes) ? sizes : {};
  }

  #readTemperatures(): Record<string, number> {
    const zones: Record<string, number> = {};
    for (const zone of this.#list('sys/class/thermal')) {
      if (!zone.startsWith('thermal_zone')) continue;
      const folder = join('sys/class/thermal', zone);
      const milli = this.#number(join(folder, 'temp'));
      // a disabled zone reads as an absurd value
      if (milli !== undefined && isQuantity('celsius', milli / 1000))
        zones[unused(zones, this.#text(join(folder, 'type'))?.trim() || zone, zone)] = milli / 1000;
    }
    return zones;
  }

  /** hwmon of the INA3221: in*_input in millivolts, curr*_input in milliamperes, in*_label the rail. */
  #readPower(): Record<string, number> {
    const rails: Record<string, number> = {};
    for (const monitor of this.#list('sys/class/hwmon')) {
      const folder = join('sys/class/hwmon', monitor);
      if (this.#text(join(folder, 'name'))?.trim() !== 'ina3221') continue;
      for (const channel of [1, 2, 3]) {
        const millivolts = this.#number(join(folder, `in${String(channel)}_input`));
        const milliamperes = this.#number(join(folder, `curr${String(channel)}_input`));
        const rail = this.#text(join(folder, `in${String(channel)}_label`))?.trim();
        if (millivolts === undefined || milliamperes === undefined) continue;
        const watts = (millivolts * milliamperes) / 1e6;
        // A current that flows back, or a sensor that fails.
        if (isQuantity('watts', watts))
          rails[unused(rails, rail || `${monitor}-${String(channel)}`, monitor)] = watts;
      }
    }
    return rails;
  }

  #readGpu(): SensorReading {
    for (const file of GPU_LOAD_FILES) {
      const permille = this.#number(file);
      if (permille !== undefined && permille >= 0 && permille <= 1000) return { gpuRatio: permille / 1000 };
    }
    return {};
  }

  /**
   * Kernel documentation, CPU performance scaling: cores that share a clock have one policy, whose frequencies are in
   * kHz. Cores of one kind have the same highest frequency.
   */
  #readCpuClocks(): Record<string, number> {
    const kinds = new Map<number, { readonly name: string; readonly hertz: number[] }>();
    const policies = this.#list('sys/devices/system/cpu/cpufreq').flatMap((name) => {
      const first = /^policy(\d+)$/.exec(name)?.[1];
      return first === undefined ? [] : [Number(first)];
    });
    for (const first of policies.sort((a, b) => a - b)) {
      const folder = `sys/devices/system/cpu/cpufreq/policy${String(first)}`;
      const kilohertz = this.#number(join(folder, 'scaling_cur_freq'));
      if (kilohertz === undefined || !isQuantity('hertz', kilohertz * 1000)) continue;
      const kind = this.#number(join(folder, 'cpuinfo_max_freq')) ?? 0;
      const known = kinds.get(kind) ?? { name: `cpu${String(first)}`, hertz: [] };
      known.hertz.push(kilohertz * 1000);
      kinds.set(kind, known);
    }
    const clocks = [...kinds.values()].map(
      ({ name, hertz }) => [name, meanAndDeviation(hertz).mean] as const,
    );
    const [only] = clocks;
    return Object.fromEntries(clocks.length === 1 && only !== undefined ? [['cpu', only[1]]] : clocks);
  }

  /** Jetsons have a device of frequency scaling for the GPU, in Hz; Intel's graphics report MHz. */
  #readGpuClock(): Record<string, number> {
    const device = this.#list('sys/class/devfreq').find((name) => /gpu|gp10b|gv11b|ga10b/.test(name));
    const scaled = device === undefined ? undefined : this.#number(`sys/class/devfreq/${device}/cur_freq`);
    const megahertz = this.#number('sys/class/drm/card0/gt_cur_freq_mhz');
    const hertz = scaled ?? (megahertz === undefined ? undefined : megahertz * 1e6);
    return hertz === undefined || !isQuantity('hertz', hertz) ? {} : { gpu: hertz };
  }

  #text(file: string): string | undefined {
    try {
      return readFileSync(join(this.#root, file), 'utf8');
    } catch {
      return undefined;
    }
  }

  #number(file: string): number | undefined {
    const text = this.#text(file)?.trim();
    if (text === undefined || text === '') return undefined;
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }

  #list(folder: string): string[] {
    try {
      return readdirSync(join(this.#root, folder)).sort();
    } catch {
      return [];
    }
  }
}

/**
 * The name, followed by its origin if another sensor already has it, as two `acpitz` zones of a PC do, and by a number
 * beyond that.
 */
function unused(taken: Readonly<Record<string, number>>, name: string, origin: string): string {
  let free = name;
  for (let n = 1; free in taken; n++) free = `${name} (${n === 1 ? origin : `${origin} ${String(n)}`})`;
  return free;
}

const areBytes = (sizes: Readonly<Record<string, number>>): boolean =>
  Object.values(sizes).every((size) => isQuantity('bytes', size));

function kilobytes(meminfo: string, field: string): number | undefined {
  const amount = new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(meminfo)?.[1];
  return amount === undefined ? undefined : Number(amount) * 1024;
}

function present(
  name: 'temperatureCelsius' | 'powerWatts' | 'clockHertz',
  values: Record<string, number>,
): SensorReading {
  return Object.keys(values).length > 0 ? { [name]: values } : {};
}
