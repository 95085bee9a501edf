import { mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostStatsSchema } from '../../../src/contract/telemetry/shapes.ts';
import { HostReader } from '../../../src/device/host/host-reader.ts';
import type { OutOfRange } from '../../../src/device/runtime/out-of-range.ts';

let root = '';

const SENSORS = [
  'sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq',
  'sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq',
  'sys/devices/system/cpu/cpufreq/policy4/scaling_cur_freq',
  'sys/class/devfreq/17000000.gpu/cur_freq',
  'sys/class/drm/card0/gt_cur_freq_mhz',
  'sys/class/thermal/thermal_zone0/temp',
  'sys/class/hwmon/hwmon3/in1_input',
  'sys/class/hwmon/hwmon3/curr1_input',
  'sys/devices/platform/gpu.0/load',
];

function put(file: string, text: string): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'goshawk-host-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

describe('HostReader', () => {
  it('omits what the machine has no sensor for', () => {
    expect(new HostReader(root).read({})).toEqual({});
  });

  it('reads the share of busy ticks between two readings', () => {
    const host = new HostReader(root);
    const reader = {};
    put('proc/stat', 'cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3 4\n');
    expect(host.read(reader).cpuRatio).toBeUndefined();
    put('proc/stat', 'cpu  130 0 110 840 20 0 0 0 0 0\ncpu0 1 2 3 4\n');
    expect(host.read(reader).cpuRatio).toBeCloseTo(0.4, 10);
  });

  it('has a window of CPU load for each reader: one that reads often does not shorten that of another', () => {
    const host = new HostReader(root);
    const [often, seldom] = [{}, {}];
    let busy = 0;
    let total = 0;
    const pass = (share: number): number | undefined => {
      busy += 100 * share;
      total += 100;
      put('proc/stat', `cpu  ${busy} 0 0 ${total - busy} 0 0 0 0\n`);
      return host.read(often).cpuRatio;
    };
    pass(0);
    host.read(seldom);
    for (const share of [0.1, 0.9, 0.5]) expect(pass(share)).toBeCloseTo(share, 10);
    expect(host.read(seldom).cpuRatio).toBeCloseTo(0.5, 10);
    expect(host.read(often).cpuRatio).toBeUndefined();
  });

  it('reads memory, temperatures, power rails and GPU load as a Jetson shows them', () => {
    put('proc/meminfo', 'MemTotal:       8000 kB\nMemFree:  1 kB\nMemAvailable:    6000 kB\n');
    put('sys/class/thermal/thermal_zone0/type', 'cpu-thermal\n');
    put('sys/class/thermal/thermal_zone0/temp', '48125\n');
    put('sys/class/thermal/thermal_zone1/type', 'off-thermal\n');
    put('sys/class/thermal/thermal_zone1/temp', '-256000\n');
    put('sys/class/thermal/cooling_device0/type', 'fan\n');
    put('sys/class/hwmon/hwmon0/name', 'coretemp\n');
    put('sys/class/hwmon/hwmon3/name', 'ina3221\n');
    put('sys/class/hwmon/hwmon3/in1_label', 'VDD_IN\n');
    put('sys/class/hwmon/hwmon3/in1_input', '5000\n');
    put('sys/class/hwmon/hwmon3/curr1_input', '1500\n');
    put('sys/class/hwmon/hwmon3/in2_input', '5000\n');
    put('sys/devices/platform/gpu.0/load', '375\n');
    expect(new HostReader(root).read({})).toEqual({
      memoryTotalBytes: 8_192_000,
      memoryUsedBytes: 2_048_000,
      temperatureCelsius: { 'cpu-thermal': 48.125 },
      powerWatts: { VDD_IN: 7.5 },
      gpuRatio: 0.375,
    });
  });

  it('reads one clock of equal cores, one of each kind where they differ, and that of the GPU', () => {
    const policy = (first: number, current: string, highest: number): void => {
      const folder = `sys/devices/system/cpu/cpufreq/policy${String(first)}`;
      put(`${folder}/scaling_cur_freq`, `${current}\n`);
      put(`${folder}/cpuinfo_max_freq`, `${String(highest)}\n`);
    };
    policy(0, '1000000', 3_000_000);
    policy(10, '2000000', 3_000_000);
    expect(new HostReader(root).read({})).toEqual({ clockHertz: { cpu: 1.5e9 } });
    policy(4, '729600', 2_200_000);
    policy(8, '<unknown>', 2_200_000);
    put('sys/class/devfreq/17000000.gpu/cur_freq', '1020000000\n');
    put('sys/class/devfreq/15340000.vic/cur_freq', '1\n');
    expect(new HostReader(root).read({})).toEqual({
      clockHertz: { cpu0: 1.5e9, cpu4: 729.6e6, gpu: 1.02e9 },
    });
  });

  it('reads what the schema accepts, whatever the sensors say', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...SENSORS)),
        fc.array(fc.oneof(fc.integer(), fc.double(), fc.string())),
        (files, values) => {
          rmSync(root, { recursive: true, force: true });
          put('sys/class/hwmon/hwmon3/name', 'ina3221\n');
          files.forEach((file, index) => put(file, `${String(values[index] ?? '')}\n`));
          const read = new HostReader(root).read({});
          expect(hostStatsSchema.safeParse(read).error?.issues ?? []).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('omits what is outside of the declared range, so that the message with the rest is not lost', () => {
    put('proc/meminfo', 'MemTotal: 8000 kB\nMemAvailable: 9000 kB\n');
    put('sys/class/thermal/thermal_zone0/temp', '200001\n');
    put('sys/devices/platform/gpu.0/load', '375\n');
    const stat = (ticks: number): string =>
      `7 (goshawk) ${[...Array<number>(11).fill(0), ticks, 0].join(' ')}\n`;
    let nowMs = 0;
    const host = new HostReader(root, { nowMs: () => nowMs });
    const reader = {};
    put('proc/self/task/7/stat', stat(0));
    put('proc/self/task/8/stat', stat(0));
    host.read(reader);
    nowMs = 1e-4;
    put('proc/self/task/7/stat', stat(1));
    put('proc/self/stat', stat(1));
    const read = host.read(reader);
    expect(read).toEqual({ gpuRatio: 0.375, cpuByThread: { other: 0 } });
    expect(hostStatsSchema.parse(read)).toEqual(read);
  });

  it('reads the disk of a folder that is there, or of the nearest one above it', () => {
    const { blocks, bsize } = statfsSync(root);
    const diskTotalBytes = blocks * bsize;
    put('file', '');
    for (const disk of ['.', 'not/made/yet', 'file/not/a/folder']) {
      const read = new HostReader(root, { disk: join(root, disk) }).read({});
      expect.soft(read, disk).toMatchObject({ diskTotalBytes });
      expect.soft(read.diskFreeBytes, disk).toBeLessThanOrEqual(diskTotalBytes);
      expect.soft(hostStatsSchema.parse(read), disk).toEqual(read);
    }
  });

  it('omits a disk that cannot be read, and never has that of a folder above it instead', () => {
    symlinkSync('loop', join(root, 'loop'));
    put('sys/devices/platform/gpu.0/load', '375\n');
    const noted: OutOfRange[] = [];
    const read = (options: ConstructorParameters<typeof HostReader>[1]) =>
      new HostReader(root, { disk: join(root, 'loop'), ...options }).read({}, (found) => noted.push(found));
    expect(read({})).toEqual({ gpuRatio: 0.375 });
    for (const code of ['EIO', 'EACCES', 'ENOSYS']) {
      const statfs = (folder: string) => {
        if (folder !== root) throw Object.assign(new Error(`${code}: statfs`), { code });
        return statfsSync(folder);
      };
      expect.soft(read({ statfs, disk: join(root, 'disk') }), code).toEqual({ gpuRatio: 0.375 });
    }
    const nowhere = (): never => {
      throw Object.assign(new Error('ENOENT: statfs'), { code: 'ENOENT' });
    };
    expect(read({ statfs: nowhere })).toEqual({ gpuRatio: 0.375 });
    expect(noted).toEqual([]);
  });

  it('omits both sizes of a disk of which one is absurd, and notes which', () => {
    put('sys/devices/platform/gpu.0/load', '375\n');
    for (const [change, name, value] of [
      [{ blocks: 2 ** 52 }, 'diskTotalBytes', 2 ** 52 * statfsSync(root).bsize],
      [{ bavail: -1 }, 'diskFreeBytes', -statfsSync(root).bsize],
      [{ bsize: 0.3, bavail: 1, blocks: 10 }, 'diskFreeBytes', 0.3],
    ] as const) {
      const noted: OutOfRange[] = [];
      const statfs = (folder: string) => ({ ...statfsSync(folder), ...change });
      const read = new HostReader(root, { disk: root, statfs }).read({}, (found) => noted.push(found));
      expect.soft(read).toEqual({ gpuRatio: 0.375 });
      const fields = ['host.diskFreeBytes', 'host.diskTotalBytes'];
      expect.soft(noted).toEqual([{ quantity: 'bytes', value, what: name, fields, reason: 'omitted' }]);
    }
  });

  it('keeps sensors with the same name apart', () => {
    for (const zone of ['thermal_zone0', 'thermal_zone1']) put(`sys/class/thermal/${zone}/type`, 'acpitz\n');
    put('sys/class/thermal/thermal_zone0/temp', '27800\n');
    put('sys/class/thermal/thermal_zone1/temp', '29800\n');
    expect(new HostReader(root).read({})).toEqual({
      temperatureCelsius: { acpitz: 27.8, 'acpitz (thermal_zone1)': 29.8 },
    });
  });

  it('keeps three power rails with the same label apart', () => {
    put('sys/class/hwmon/hwmon3/name', 'ina3221\n');
    for (const channel of ['1', '2', '3']) {
      put(`sys/class/hwmon/hwmon3/in${channel}_label`, 'VDD\n');
      put(`sys/class/hwmon/hwmon3/in${channel}_input`, '5000\n');
      put(`sys/class/hwmon/hwmon3/curr${channel}_input`, `${channel}000\n`);
    }
    expect(new HostReader(root).read({}).powerWatts).toEqual({
      VDD: 5,
      'VDD (hwmon3)': 10,
      'VDD (hwmon3 2)': 15,
    });
  });

  it('survives files without numbers', () => {
    put('proc/stat', 'nonsense');
    put('proc/meminfo', 'MemTotal: lots');
    put('sys/class/thermal/thermal_zone0/temp', '');
    put('sys/devices/platform/gpu.0/load', 'n/a');
    expect(new HostReader(root).read({})).toEqual({});
  });
});
