import { describe, expect, it } from 'vitest';
import type { CameraSnapshot, PipelineSnapshot } from '../../../src/device/pipeline/statistics/snapshot.ts';
import { diagnose, type DetectorCondition } from '../../../src/ros/detector/diagnose.ts';

const LATENCY = { count: 10, p50: 10, p90: 12, p99: 20, p999: 20, max: 20 };
const LIMITS = { processing_warn_ms: 50, processing_error_ms: 200, delay_warn_ms: 100, delay_error_ms: 500 };

function snapshot(
  changes: Partial<PipelineSnapshot> = {},
  cameraChanges: Partial<CameraSnapshot> = {},
): PipelineSnapshot {
  const frames = { received: 12, published: 10, inFlight: 0, drops: { malformed: 2, deadline: 0 } };
  const camera = {
    frames,
    fps: { in: 30, out: 30 },
    width: 640,
    height: 480,
    encoding: 'rgb8',
    clockResets: 0,
    stampAgeMs: 12,
    lastDrop: 'malformed',
    ...cameraChanges,
  };
  return {
    engine: null,
    engineLost: 0,
    engineRestored: 0,
    lastIncident: null,
    fps: { in: 30, out: 30 },
    frames,
    cameras: { front: camera },
    recentMs: { total: LATENCY, stages: {} },
    ...changes,
  } as unknown as PipelineSnapshot;
}

function lines(changes: Partial<DetectorCondition>): Record<string, string> {
  const condition: DetectorCondition = {
    state: 'active',
    complaints: [],
    snapshot: snapshot(),
    delayMs: 20,
    findings: new Map(),
    telemetry: null,
    ...changes,
  };
  return Object.fromEntries(
    diagnose(condition, LIMITS).map(({ name, level, message }) => [name, `${level}: ${message}`]),
  );
}

describe('diagnose', () => {
  it('is all ok if all is well, and names drops', () => {
    expect(lines({})).toEqual({
      state: 'ok: active',
      timing: 'ok: within the limits',
      engine: 'ok: running',
      'camera front': 'ok: 30 frames/s in, 30 out',
    });
    const camera = diagnose(
      {
        state: 'active',
        complaints: [],
        snapshot: snapshot(),
        delayMs: 1,
        findings: new Map(),
        telemetry: null,
      },
      LIMITS,
    ).at(-1)!;
    expect(camera.values).toMatchObject({ received: 12, published: 10, dropped_malformed: 2 });
    expect(camera.values).not.toHaveProperty('dropped_deadline');
  });

  it('has only the state before configure, with what went wrong', () => {
    expect(lines({ snapshot: null, state: 'unconfigured', complaints: ['no bundle'] })).toEqual({
      state: 'error: unconfigured: no bundle',
    });
  });

  it.each([
    [60, 20, 'warn: processing takes 60.0 ms (p99), the limit is 50 ms'],
    [300, 20, 'error: processing takes 300.0 ms (p99), the limit is 200 ms'],
    [20, 120, 'warn: results are 120.0 ms behind the stamps, the limit is 100 ms'],
    [60, 600, 'error: results are 600.0 ms behind the stamps, the limit is 500 ms'],
    [20, NaN, 'ok: within the limits'],
  ])('judges %d ms of processing and %d ms of delay', (p99, delayMs, line) => {
    const recentMs = { total: { ...LATENCY, p99 }, stages: {} } as unknown as PipelineSnapshot['recentMs'];
    expect(lines({ delayMs, snapshot: snapshot({ recentMs }) })['timing']).toBe(line);
  });

  it('distinguishes an engine that is down from one that recovered', () => {
    const lost = { engineLost: 2, lastIncident: 'signal SIGSEGV' };
    expect(lines({ snapshot: snapshot({ ...lost, engineRestored: 1 }) })['engine']).toMatch(
      /^error: .*SIGSEGV/,
    );
    expect(lines({ snapshot: snapshot({ ...lost, engineRestored: 2 }) })['engine']).toMatch(
      /^warn: .*2 times/,
    );
  });

  const REFUSED = {
    verdict: 'refused',
    scores: 0.57,
    boxes: 0.02,
    tolerance: 0.2,
    inputs: 6,
    reason: 'it differs',
  };

  it('reports what runs, where, and why not elsewhere', () => {
    const engine = {
      bundle: { name: 'street', version: '1.0.0', digest: 'd' },
      variant: 'int8',
      provider: 'cuda',
      refusals: [{ provider: 'tensorrt', reason: 'is not installed' }],
      nodesByProvider: { cuda: 90, cpu: 3 },
      workers: 1,
      threads: 2,
      queueDepth: 1,
      sizing: { role: 'latency', isMeasured: true, why: 'measured here', moves: 0, lastMove: null },
      exactInt8: false,
      referenceCheck: REFUSED,
      choice: {
        how: 'measured',
        why: 'int8 on cuda takes 2.00 ms',
        candidates: [
          { variant: 'fp16', provider: 'cuda', exactInt8: false, latencyMs: null, check: REFUSED },
        ],
        notes: [],
      },
    } as unknown as PipelineSnapshot['engine'];
    const condition = {
      state: 'active',
      complaints: [],
      delayMs: 1,
      findings: new Map<string, []>(),
      telemetry: null,
    };
    const line = diagnose({ ...condition, snapshot: snapshot({ engine }) }, LIMITS).find(
      ({ name }) => name === 'engine',
    );
    expect(line?.level).toBe('warn');
    expect(line?.message).toMatch(/^running; refused: fp16 on cuda: deviation 0\.5700 of scores/);
    expect(line?.values).toMatchObject({
      variant_choice: 'int8 on cuda takes 2.00 ms',
      exact_int8_kernels: 'no',
      reference_check: expect.stringMatching(/^refused: deviation 0\.5700 .* 0\.2 is allowed$/) as string,
      bundle: 'street@1.0.0',
      provider: 'cuda',
      refused_providers: 'tensorrt: is not installed',
      setting: '1 worker x 2 threads, queue depth 1',
      setting_for: 'latency',
      setting_measured: 'yes',
      setting_why: 'measured here',
      setting_moves: 0,
      setting_last_move: '',
      nodes: '90 on cuda, 3 on cpu',
    });
  });

  it('distinguishes a broker that is away from one that needs attention', () => {
    const streams = null;
    const away = { connected: false, protocol: null, streams };
    const telemetry = (status: NonNullable<DetectorCondition['telemetry']>): string | undefined =>
      lines({ telemetry: status, snapshot: null })['telemetry'];
    expect(telemetry({ connected: true, protocol: '5', code: null, reason: '', streams })).toBe(
      'ok: connected by MQTT 5',
    );
    expect(telemetry({ ...away, code: null, reason: 'not connected yet' })).toBe('warn: not connected yet');
    expect(telemetry({ ...away, code: 'GOSHAWK_BROKER_UNREACHABLE', reason: 'x' })).toBe(
      'warn: GOSHAWK_BROKER_UNREACHABLE: x',
    );
    expect(telemetry({ ...away, code: 'GOSHAWK_CLIENT_TAKEN_OVER', reason: 'x' })).toMatch(/^error/);
    expect(telemetry({ ...away, connected: true, code: 'GOSHAWK_BROKER_REFUSED', reason: 'x' })).toMatch(
      /^error/,
    );
    expect(lines({})['telemetry']).toBeUndefined();
  });

  it('shows the worst finding of a camera', () => {
    const findings = new Map([
      [
        'front',
        [
          { level: 'warn', key: 'listener /app', message: 'a listener' },
          { level: 'error', key: 'silent', message: 'no frame' },
        ] as const,
      ],
    ]);
    expect(lines({ findings })['camera front']).toBe('error: no frame');
  });

  it('distinguishes a camera whose frames are all dropped from one that is throttled', () => {
    const fps = { in: 30, out: 0 };
    const camera = (changes: Partial<CameraSnapshot>, state = 'active'): string | undefined =>
      lines({ state, snapshot: snapshot({}, changes) })['camera front'];
    expect(camera({ fps, lastDrop: 'unsupported_encoding' })).toBe(
      'error: 30.0 frames/s arrive but none is published; the last one was dropped as unsupported_encoding',
    );
    const slow = { fps: { in: 0, out: 0 }, lastDrop: 'corrupt_image' } as const;
    expect(camera({ ...slow, dropsInARow: 3 })).toBe(
      'error: the last 3 frames arrived but none was published; the last one was dropped as corrupt_image',
    );
    expect(camera({ ...slow, dropsInARow: 2 })).toMatch(/^ok/);
    expect(camera({ fps, lastDrop: 'rate_limited' })).toBe('ok: 30 frames/s in, 0 out');
    expect(camera({ fps, lastDrop: 'malformed' }, 'inactive')).toBe('ok: 30 frames/s in, 0 out');
    expect(camera({ fps: { in: 30, out: 0.2 }, lastDrop: 'malformed' })).toMatch(/^ok/);
  });

  it('reports that stamps and the clock disagree', () => {
    const camera = (stampAgeMs: number | null): string | undefined =>
      lines({ snapshot: snapshot({}, { stampAgeMs }) })['camera front'];
    expect(camera(86_400_000)).toMatch(
      /^warn: stamps are 86400 s behind the clock of this machine: set use_sim_time/,
    );
    expect(camera(-61_000)).toMatch(/^warn: stamps are 61 s ahead of the clock of this machine/);
    expect(camera(59_000)).toMatch(/^ok/);
    expect(camera(null)).toMatch(/^ok/);
  });
});
