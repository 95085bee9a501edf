import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { bodySchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import { HostReader } from '../../../src/device/host/host-reader.ts';
import type { PipelineSnapshot } from '../../../src/device/pipeline/statistics/snapshot.ts';
import { RangeLog } from '../../../src/device/telemetry/range-log.ts';
import { SessionTelemetry } from '../../../src/device/telemetry/session-telemetry.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { FakeClock, FakeEngine, MANIFEST } from '../pipeline/fakes.ts';

const HOUR_MS = 3_600_000;

/** A machine whose files say what `put` writes, a pipeline of one camera, and the telemetry of both. */
function robot() {
  const root = mkdtempSync(join(tmpdir(), 'goshawk-range-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const clock = new FakeClock();
  const host = new HostReader(root, { nowMs: () => clock.monotonicMs() });
  const pipeline = new FramePipeline({
    engine: new FakeEngine(),
    manifest: MANIFEST,
    cameras: [{ name: 'front' }],
    clock,
  });
  const shown: { change: (snapshot: PipelineSnapshot) => PipelineSnapshot } = { change: (same) => same };
  const lines: string[] = [];
  const part = new SessionTelemetry(
    {
      snapshot: () => shown.change(pipeline.snapshot()),
      host: (reader, note) => host.read(reader, note),
      telemetry: () => null,
      send: () => undefined,
    },
    clock,
    new RangeLog(clock, (line) => lines.push(line)),
  );
  const put = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const counted = async (): Promise<string[]> => {
    const text = await part.metrics.text();
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };
  const state = () => bodySchemaOf('state').parse(part.streams.state());
  const metrics = () => bodySchemaOf('metrics').parse(part.streams.metrics(false));
  return { clock, shown, lines, put, counted, state, metrics };
}

const sample = (stream: string, field: string, reason: string, count: number): string =>
  `goshawk_telemetry_out_of_range_total{stream="${stream}",field="${field}",reason="${reason}"} ${String(count)}`;

it('counts what is left out of each message, by stream and field, and what is in its range not at all', async () => {
  const { put, counted, state, metrics } = robot();
  put('sys/class/thermal/thermal_zone0/temp', '48125\n');
  put('sys/devices/platform/gpu.0/load', '375\n');
  state();
  expect(await counted()).toEqual([]);
  put('proc/meminfo', 'MemTotal: 8000 kB\nMemAvailable: 9000 kB\n');
  put('sys/class/thermal/thermal_zone1/temp', '-256000\n');
  put('sys/class/thermal/thermal_zone2/temp', '200001\n');
  put('sys/class/hwmon/hwmon3/name', 'ina3221\n');
  put('sys/class/hwmon/hwmon3/in1_input', '5000\n');
  put('sys/class/hwmon/hwmon3/curr1_input', '-1\n');
  put('sys/devices/platform/gpu.0/load', '1001\n');
  put('sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq', '-1\n');
  put('sys/class/devfreq/17000000.gpu/cur_freq', '1e12\n');
  expect(state().host).toEqual({ temperatureCelsius: { thermal_zone0: 48.125 } });
  metrics();
  metrics();
  const fields = {
    'host.memoryTotalBytes': 1,
    'host.memoryUsedBytes': 1,
    'host.temperatureCelsius': 2,
    'host.powerWatts': 1,
    'host.gpuRatio': 1,
    'host.clockHertz': 2,
  };
  const due = Object.entries(fields).flatMap(([field, count]) => [
    sample('state', field, 'omitted', count),
    sample('metrics', field, 'omitted', 2 * count),
  ]);
  expect((await counted()).sort()).toEqual(due.sort());
});

it('counts what is sent as the end of its range', async () => {
  const { clock, shown, put, counted, state, metrics } = robot();
  shown.change = (snapshot) => {
    const front = snapshot.cameras['front']!;
    const frames = { ...front.frames, received: 2, published: 1, inFlight: 1 };
    return {
      ...snapshot,
      activeSeconds: 1e-6,
      cameras: { front: { ...front, frames } },
      process: { rssBytes: 1, eventLoopDelayMs: { p50: 0, p99: 1e9, max: 1e9 } },
    };
  };
  const body = metrics();
  expect(body.cameras[0]).toMatchObject({ received: 2, published: 1, fps: { in: 10_000, out: 10_000 } });
  expect(body.process.eventLoopDelayP99Ms).toBe(86_400_000);
  put('proc/stat', 'cpu  100 0 100 800 0 0 0 0\n');
  state();
  clock.advance(10_000);
  put('proc/stat', 'cpu  200 0 110 750 0 0 0 0\n');
  expect(state().host.cpuRatio).toBe(1);
  expect(await counted()).toEqual([
    sample('metrics', 'cameras.fps.in', 'clamped', 1),
    sample('metrics', 'cameras.fps.out', 'clamped', 1),
    sample('metrics', 'process.eventLoopDelayP99Ms', 'clamped', 1),
    sample('state', 'host.cpuRatio', 'clamped', 1),
  ]);
});

it('counts the CPU of a thread that is more than there are cores', async () => {
  const { clock, put, counted, state } = robot();
  const stat = (ticks: number): string =>
    `7 (goshawk) ${[...Array<number>(11).fill(0), ticks, 0].join(' ')}\n`;
  put('proc/self/task/7/stat', stat(0));
  put('proc/self/task/8/stat', stat(0));
  state();
  clock.advance(1);
  put('proc/self/task/7/stat', stat(1_000_000));
  put('proc/self/stat', stat(1));
  expect(state().host).toEqual({ cpuByThread: { other: 0 } });
  expect(await counted()).toEqual([sample('state', 'host.cpuByThread', 'omitted', 1)]);
});

it('logs quantity, value and range once an hour for each field, however often it is left out', () => {
  const { clock, put, lines, state, metrics } = robot();
  put('sys/class/thermal/thermal_zone0/type', `${'off-thermal '.repeat(20)}\n`);
  put('sys/class/thermal/thermal_zone0/temp', '-256000\n');
  for (let i = 0; i < 100; i += 1) state();
  put('proc/meminfo', 'MemTotal: 8000 kB\nMemAvailable: 9000 kB\n');
  metrics();
  clock.advance(HOUR_MS);
  put('proc/meminfo', '');
  metrics();
  const zone = `the temperature of ${'off-thermal '.repeat(20)}`.slice(0, 80);
  const cold = `telemetry: ${zone} is -256, out of -100 to 200 (degrees Celsius); left out of`;
  expect(lines).toEqual([
    `${cold} 'state' (host.temperatureCelsius)`,
    `telemetry: memoryUsedBytes is -1024000, out of 0 to ${String(2 ** 50)} (bytes); left out of 'metrics' ` +
      '(host.memoryTotalBytes and host.memoryUsedBytes)',
    `${cold} 'metrics' (host.temperatureCelsius); 100 more since the last such line`,
  ]);
});
