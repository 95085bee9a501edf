import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bodySchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import type { PeriodicStream, ReportedStream, StreamBody } from '../../../src/contract/telemetry/streams.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import type { StreamSources } from '../../../src/device/runtime/part.ts';
import { RangeLog } from '../../../src/device/telemetry/range-log.ts';
import { SessionTelemetry } from '../../../src/device/telemetry/session-telemetry.ts';
import { TelemetryReporter } from '../../../src/device/telemetry/telemetry-reporter.ts';
import { unconfiguredBody } from '../../../src/device/telemetry/state-body.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, settle } from '../pipeline/fakes.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A node whose pipelines come and go, and all of its telemetry. */
class Node {
  readonly clock = new FakeClock();
  readonly states: StreamBody<'state'>[] = [];
  readonly windows: StreamBody<'metrics'>[] = [];
  readonly errors: unknown[] = [];
  pipeline: FramePipeline | null = null;
  #maker: FrameMaker | null = null;
  readonly part: SessionTelemetry = new SessionTelemetry(
    {
      snapshot: () => this.pipeline?.snapshot() ?? null,
      host: () => ({}),
      telemetry: () => null,
      send: (stream, make) => this.reporter.send(stream, make),
    },
    this.clock,
    new RangeLog(this.clock, (line) => this.errors.push(line)),
  );
  readonly reporter: TelemetryReporter = new TelemetryReporter(
    () => [this.part.streams],
    {
      send: (stream: ReportedStream, body: unknown) => {
        if (stream === 'state') this.states.push(bodySchemaOf(stream).parse(body));
        if (stream === 'metrics') this.windows.push(bodySchemaOf(stream).parse(body));
      },
      lose: () => undefined,
    },
    (error) => this.errors.push(error),
  );

  async configure(): Promise<void> {
    const pipeline = new FramePipeline({
      engine: new FakeEngine(),
      manifest: MANIFEST,
      cameras: [{ name: 'front' }],
      clock: this.clock,
    });
    await pipeline.start();
    pipeline.addSink(this.part.attach().sink!);
    this.pipeline = pipeline;
    this.#maker = new FrameMaker('front', this.clock);
    pipeline.activate();
  }

  async frames(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.pipeline!.offer(this.#maker!.next());
      await settle(() => this.pipeline!.framesInFlight === 0);
      this.clock.advance(100);
    }
  }

  async cleanup(): Promise<void> {
    await this.pipeline!.deactivate();
    this.part.detach();
    await this.pipeline!.close();
    this.pipeline = null;
  }
}

const publishedIn = ({ cameras }: StreamBody<'metrics'>): number => cameras[0]?.published ?? 0;

describe('telemetry of a node that is reconfigured', () => {
  it.each([
    [30, 25],
    [20, 25],
  ])('counts %i and then %i frames in contiguous windows, each in its own', async (first, second) => {
    const node = new Node();
    node.clock.advance(4000);
    await node.configure();
    await node.frames(first);
    await node.cleanup();
    node.clock.advance(8000);
    vi.advanceTimersByTime(10_000);
    await node.configure();
    await node.frames(second);
    node.reporter.close();
    await node.pipeline!.close();

    expect(node.errors).toEqual([]);
    expect(node.windows.map(publishedIn)).toEqual([0, first, 0, 0, second]);
    expect(node.windows.map(({ bundle }) => bundle !== null)).toEqual([false, true, false, false, true]);
    for (const [index, { window }] of node.windows.entries()) {
      if (index > 0) expect(window.start).toBe(node.windows[index - 1]!.window.end);
    }
    const latencies = node.windows.map(({ cameras }) =>
      (cameras[0]?.latency.counts ?? []).reduce((sum, count) => sum + count, 0),
    );
    expect(latencies).toEqual([0, first, 0, 0, second]);
    expect(node.windows[1]!.cameras[0]!.fps.in).toBeCloseTo(10, 6);
    expect(node.states.map(({ lifecycle }) => lifecycle)).toEqual([
      'unconfigured',
      'inactive',
      'unconfigured',
      'unconfigured',
      'active',
    ]);
  });

  it('excludes a pause from rates, which cover the rest of the window', async () => {
    const node = new Node();
    await node.configure();
    await node.frames(10);
    await node.pipeline!.deactivate();
    node.clock.advance(30_000);
    node.pipeline!.activate();
    await node.frames(10);
    vi.advanceTimersByTime(10_000);
    expect(node.windows.at(-1)!.cameras[0]!.fps.in).toBeCloseTo(10, 6);
    await node.pipeline!.close();
  });
});

describe('windows of a machine whose clock is set', () => {
  it('are as long as the time that passed, and follow one another by what the clock was set', () => {
    const step = fc.constantFrom(0, 0, 0, 0.2, -0.4, 3_600, -3_600, 86_400, -86_400);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(step, fc.integer({ min: 0, max: 20_000 })), { maxLength: 30 }),
        (steps) => {
          let [wall, monotonic] = [Date.UTC(2026, 0, 1), 0];
          const part = new SessionTelemetry(
            { snapshot: () => null, host: () => ({}), telemetry: () => null, send: () => undefined },
            { wallMs: () => wall, monotonicMs: () => monotonic },
            new RangeLog({ monotonicMs: () => monotonic }, () => undefined),
          );
          let end: string | null = null;
          for (const [seconds, ms] of steps) {
            wall += ms + seconds * 1000;
            monotonic += ms;
            const { window } = bodySchemaOf('metrics').parse(part.streams.metrics(false));
            const length = Date.parse(window.end) - Date.parse(window.start);
            expect(length).toBeGreaterThanOrEqual(0);
            expect(length).toBeLessThanOrEqual(ms + 1_000);
            const due = end === null ? Date.parse(window.start) : Date.parse(end);
            expect(Date.parse(window.start) - due).toBeCloseTo((window.clockStepSeconds ?? 0) * 1000, 3);
            ({ end } = window);
          }
        },
      ),
    );
  });
});

describe('the streams of parts', () => {
  const EMPTY = unconfiguredBody(0, {});
  const WINDOW = { start: new Date(0).toISOString(), end: new Date(0).toISOString() };
  const METRICS: StreamBody<'metrics'> = {
    window: WINDOW,
    bundle: null,
    cameras: [],
    process: { residentBytes: 0, eventLoopDelayP99Ms: 0 },
    host: {},
  };

  /** A reporter of these parts, and everything that it sends. */
  function reporterOf(parts: readonly StreamSources[], secondsOf?: (stream: PeriodicStream) => number) {
    const said: string[] = [];
    const errors: unknown[] = [];
    const reporter = new TelemetryReporter(
      () => parts,
      { send: (stream) => void said.push(stream), lose: (stream) => void said.push(`-${stream}`) },
      (error) => errors.push(error),
      secondsOf,
    );
    return { reporter, said, errors };
  }

  it('are queried at the period of each stream, and once more at the end', () => {
    const { reporter, said } = reporterOf(
      [{ metrics: () => METRICS }, { state: () => EMPTY }, {}],
      (stream) => (stream === 'state' ? 2 : 5),
    );
    vi.advanceTimersByTime(10_000);
    expect(said).toEqual(['state', 'state', 'metrics', 'state', 'state', 'state', 'metrics']);
    reporter.close();
    expect(said.slice(7)).toEqual(['state', 'metrics']);
    vi.advanceTimersByTime(60_000);
    expect(said).toHaveLength(9);
  });

  it('do not affect each other: what one part throws is reported and its message counted as lost', () => {
    const broken = new Error('no sensors');
    const throws = (): never => {
      throw broken;
    };
    const { said, errors } = reporterOf([{ state: throws }, { state: () => EMPTY, metrics: () => METRICS }]);
    vi.advanceTimersByTime(10_000);
    expect(said).toEqual(['-state', 'state', 'metrics']);
    expect(errors).toEqual([broken]);
  });

  it('count a message that the outlet refuses as lost, whoever sends it', () => {
    const lost: string[] = [];
    const errors: unknown[] = [];
    const refused = new Error('refused');
    const reporter = new TelemetryReporter(
      () => [{ state: () => EMPTY }],
      {
        send: () => {
          throw refused;
        },
        lose: (stream) => void lost.push(stream),
      },
      (error) => errors.push(error),
    );
    reporter.send('metrics', () => METRICS);
    vi.advanceTimersByTime(10_000);
    expect(lost).toEqual(['metrics', 'state']);
    expect(errors).toEqual([refused, refused]);
  });
});
