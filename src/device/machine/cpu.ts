import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus } from 'node:os';
import type { Int8Arithmetic, MachineKind } from '../../contract/machine.ts';

/** What a CPU reports about itself. */
export interface CpuFacts {
  readonly model: string;
  /** feature flags in alphabetical order; empty if the system does not list them */
  readonly flags: readonly string[];
}

/** Reads the text of Linux's /proc/cpuinfo, of x86 (`flags`, `model name`) or ARM (`Features`). Pure. */
export function parseCpuInfo(text: string): CpuFacts {
  const valueOf = (name: string): string | undefined =>
    new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim();
  const flags = (valueOf('flags') ?? valueOf('Features') ?? '').split(/\s+/).filter((flag) => flag !== '');
  return { model: valueOf('model name') ?? '', flags: [...new Set(flags)].sort() };
}

/**
 * The kind of a machine, by its flags and by what the inference library was observed to compute. Flags are only a
 * claim: an emulated CPU shows those of its host, so VNNI that saturates does not count. Pure.
 */
export function machineKindOf(
  architecture: string,
  flags: readonly string[],
  int8: Int8Arithmetic,
): MachineKind {
  const has = (...names: readonly string[]): boolean => names.some((name) => flags.includes(name));
  if (architecture === 'arm64') return has('asimddp') ? 'arm64-dotprod' : 'arm64';
  if (architecture !== 'x64') return 'other';
  if (has('avx512_vnni', 'avx_vnni', 'amx_int8')) return int8 === 'exact' ? 'x64-vnni' : 'x64-avx2';
  if (has('avx512f')) return 'x64-avx512';
  return has('avx2') ? 'x64-avx2' : 'x64';
}

/**
 * The number of cores that a control group's `cpu.max` (`200000 100000`, `max 100000`) allows; Infinity without a
 * limit. Pure.
 */
export function coresOfQuota(text: string): number {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  const cores = (quota ?? NaN) / (period ?? NaN);
  return cores > 0 && Number.isFinite(cores) ? cores : Infinity;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The CPU of this machine. */
export function readCpu(): CpuFacts {
  const { model, flags } = parseCpuInfo(readText('/proc/cpuinfo'));
  const board = readText('/proc/device-tree/model').replaceAll('\0', '').trim();
  const known = [model, board, cpus()[0]?.model.trim() ?? ''].find((name) => name !== '');
  return { model: (known ?? arch()).slice(0, 200), flags };
}

/**
 * Cores that this process may use, possibly less than one: its affinity mask, or the quota of its control group if that
 * is lower.
 */
export function usableCores(): number {
  const quota = coresOfQuota(readText('/sys/fs/cgroup/cpu.max'));
  const older = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) =>
    readText(`/sys/fs/cgroup/cpu/${name}`),
  );
  return Math.min(availableParallelism(), quota, coresOfQuota(older.join(' ')));
}

/** Version of NVIDIA's kernel driver, or of the Jetson's board support package; null if there is none. */
export function readGpuDriver(): string | null {
  const desktop = readText('/sys/module/nvidia/version').trim();
  const jetson = readText('/etc/nv_tegra_release').split('\n')[0]?.trim() ?? '';
  const found = desktop === '' ? jetson : desktop;
  return found === '' ? null : found.slice(0, 200);
}
