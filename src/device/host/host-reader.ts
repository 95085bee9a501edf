import { readdirSync, readFileSync, statfsSync, type StatsFs } from 'node:fs';
import { dirname, join } from 'node:path';
import { meanAndDeviation } from '../../core/mean-and-deviation.ts';
import { isQuantity, withinRange } from '../../contract/quantities.ts';
import type { HostStats } from '../../contract/telemetry/shapes.ts';
import type { NoteOutOfRange } from '../runtime/out-of-range.ts';
import { areFit, isFit, reading } from './fit.ts';
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
  /** the size of the file system of a folder */
  readonly statfs?: (folder: string) => Pick<StatsFs, 'bavail' | 'blocks' | 'bsize'>;
}

/** Why there may be a disk though the folder is not there. */
const NOT_THERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

/** Reads the state of the machine from /proc and /sys. */
export class HostReader {
  readonly #root: string;
  readonly #lastTicks = new WeakMap<object, Ticks>();
  readonly #lastThreads = new WeakMap<object, ThreadTimes>();
  readonly #disk: string | null;
  readonly #nowMs: () => number;
  readonly #statfs: NonNullable<HostOptions['statfs']>;

  /** @param root where `proc` and `sys` are found; default `/` */
  constructor(root = '/', { disk, nowMs = () => performance.now(), statfs = statfsSync }: HostOptions = {}) {
    this.#root = root;
    this.#disk = disk ?? null;
    this.#nowMs = nowMs;
    this.#statfs = statfs;
  }

  /**
   * @param reader the caller: each has a separate window of CPU load, however often others read
   * @param note is told what was read out of its range
   */
  read(reader: object, note: NoteOutOfRange = ignore): HostStats {
    return {
      ...this.#readCpu(reader, note),
      ...this.#readThreads(reader, note),
      ...this.#readMemory(note),
      ...this.#readDisk(note),
      ...this.readSensors(note),
    };
  }

  /** What does not depend on an earlier reading, so that several callers may ask. */
  readSensors(note: NoteOutOfRange = ignore): SensorReading {
    return {
      ...present('temperatureCelsius', this.#readTemperatures(note)),
      ...present('powerWatts', this.#readPower(note)),
      ...this.#readGpu(note),
      ...present('clockHertz', { ...this.#readCpuClocks(note), ...this.#readGpuClock(note) }),
    };
  }

  /**
   * proc(5): the first line of /proc/stat counts ticks of all cores: user nice system idle iowait irq softirq
   * steal.
   */
  #readCpu(reader: object, note: NoteOutOfRange): HostStats {
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
    // the kernel counts waiting for I/O backward at times
    const cpuRatio = withinRange('ratio', ratio);
    if (cpuRatio !== ratio)
      note({ ...reading('ratio', ratio, 'the CPU load', 'host.cpuRatio'), reason: 'clamped' });
    return { cpuRatio };
  }

  #readThreads(reader: object, note: NoteOutOfRange): HostStats {
    const textOf = (file: string): string | undefined => this.#text(join('proc/self', file));
    const now = readThreadTimes(this.#list('proc/self/task'), textOf, this.#nowMs());
    const before = this.#lastThreads.get(reader);
    this.#lastThreads.set(reader, now);
    if (before === undefined || now.threads.size === 0) return {};
    // a tick in an instant is more cores than there are
    const cores = Object.entries(coresBetween(before, now)).filter(([role, used]) =>
      isFit(reading('cores', used, `the CPU of threads ${role}`, 'host.cpuByThread'), note),
    );
    return { cpuByThread: Object.fromEntries(cores) };
  }

  /**
   * Of the nearest folder that is there: the one in question may not be made yet. One that is there and cannot be read
   * has none: the folder above it may be on another disk.
   */
  #readDisk(note: NoteOutOfRange): HostStats {
    for (let folder = this.#disk; folder !== null; folder = dirname(folder)) {
      try {
        const { bavail, blocks, bsize } = this.#statfs(folder);
        const sizes = { diskFreeBytes: bavail * bsize, diskTotalBytes: blocks * bsize };
        // a file system without an end, as some on a network are, reports an absurd size
        return areFit(sizes, note) ? sizes : {};
      } catch (error) {
        if (!NOT_THERE.has((error as NodeJS.ErrnoException).code) || folder === dirname(folder)) break;
      }
    }
    return {};
  }

  #readMemory(note: NoteOutOfRange): HostStats {
    const text = this.#text('proc/meminfo') ?? '';
    const total = kilobytes(text, 'MemTotal');
    const available = kilobytes(text, 'MemAvailable');
    if (total === undefined || available === undefined) return {};
    const sizes = { memoryTotalBytes: total, memoryUsedBytes: total - available };
    // in a container the two may be of different machines
    return areFit(sizes, note) ? sizes : {};
  }

  #readTemperatures(note: NoteOutOfRange): Record<string, number> {
    const zones: Record<string, number> = {};
    for (const zone of this.#list('sys/class/thermal')) {
      if (!zone.startsWith('thermal_zone')) continue;
      const folder = join('sys/class/thermal', zone);
      const milli = this.#number(join(folder, 'temp'));
      if (milli === undefined) continue;
      const name = unused(zones, this.#text(join(folder, 'type'))?.trim() || zone, zone);
      // a disabled zone reads as an absurd value
      const what = `the temperature of ${name}`;
      if (isFit(reading('celsius', milli / 1000, what, 'host.temperatureCelsius'), note))
        zones[name] = milli / 1000;
    }
    return zones;
  }

  /** hwmon of the INA3221: in*_input in millivolts, curr*_input in milliamperes, in*_label the rail. */
  #readPower(note: NoteOutOfRange): Record<string, number> {
    const rails: Record<string, number> = {};
    for (const monitor of this.#list('sys/class/hwmon')) {
      const folder = join('sys/class/hwmon', monitor);
      if (this.#text(join(folder, 'name'))?.trim() !== 'ina3221') continue;
      for (const channel of [1, 2, 3]) {
        const millivolts = this.#number(join(folder, `in${String(channel)}_input`));
        const milliamperes = this.#number(join(folder, `curr${String(channel)}_input`));
        const label = this.#text(join(folder, `in${String(channel)}_label`))?.trim();
        if (millivolts === undefined || milliamperes === undefined) continue;
        const watts = (millivolts * milliamperes) / 1e6;
        const rail = unused(rails, label || `${monitor}-${String(channel)}`, monitor);
        // A current that flows back, or a sensor that fails.
        if (isFit(reading('watts', watts, `the power of ${rail}`, 'host.powerWatts'), note))
          rails[rail] = watts;
      }
    }
    return rails;
  }

  #readGpu(note: NoteOutOfRange): SensorReading {
    const loads = GPU_LOAD_FILES.map((file) => this.#number(file)).filter((load) => load !== undefined);
    const ratios = loads.map((permille) => permille / 1000);
    const [gpuRatio = ratios[0]] = ratios.filter((ratio) => isQuantity('ratio', ratio));
    if (gpuRatio === undefined) return {};
    return isFit(reading('ratio', gpuRatio, 'the load of the GPU', 'host.gpuRatio'), note)
      ? { gpuRatio }
      : {};
  }

  /**
   * Kernel documentation, CPU performance scaling: cores that share a clock have one policy, whose frequencies are in
   * kHz. Cores of one kind have the same highest frequency.
   */
  #readCpuClocks(note: NoteOutOfRange): Record<string, number> {
    const kinds = new Map<number, { readonly name: string; readonly hertz: number[] }>();
    const policies = this.#list('sys/devices/system/cpu/cpufreq').flatMap((name) => {
      const first = /^policy(\d+)$/.exec(name)?.[1];
      return first === undefined ? [] : [Number(first)];
    });
    for (const first of policies.sort((a, b) => a - b)) {
      const folder = `sys/devices/system/cpu/cpufreq/policy${String(first)}`;
      const kilohertz = this.#number(join(folder, 'scaling_cur_freq'));
      if (kilohertz === undefined) continue;
      const what = `the clock of core ${String(first)}`;
      if (!isFit(reading('hertz', kilohertz * 1000, what, 'host.clockHertz'), note)) continue;
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
  #readGpuClock(note: NoteOutOfRange): Record<string, number> {
    const device = this.#list('sys/class/devfreq').find((name) => /gpu|gp10b|gv11b|ga10b/.test(name));
    const scaled = device === undefined ? undefined : this.#number(`sys/class/devfreq/${device}/cur_freq`);
    const megahertz = this.#number('sys/class/drm/card0/gt_cur_freq_mhz');
    const hertz = scaled ?? (megahertz === undefined ? undefined : megahertz * 1e6);
    if (hertz === undefined) return {};
    return isFit(reading('hertz', hertz, 'the clock of the GPU', 'host.clockHertz'), note)
      ? { gpu: hertz }
      : {};
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

const ignore: NoteOutOfRange = () => undefined;

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
