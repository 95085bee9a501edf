import { afterEach, describe, expect, it } from 'vitest';
import { bodySchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import {
  PERIODIC_STREAMS,
  type PeriodicStream,
  type StreamBody,
} from '../../../src/contract/telemetry/streams.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { TelemetryReporter } from '../../../src/device/telemetry/telemetry-reporter.ts';
import { FakeClock, FakeEngine, FrameMaker, MANIFEST, settle } from '../pipeline/fakes.ts';

const reporters: TelemetryReporter[] = [];

afterEach(() => {
  for (const reporter of reporters.splice(0)) reporter.stop();
});

/** A node whose pipelines come and go, and everything its telemetry says. */
class Node {
  readonly clock = new FakeClock();
  readonly states: StreamBody<'state'>[] = [];
  readonly windows: StreamBody<'metrics'>[] = [];
  readonly errors: unknown[] = [];
  pipeline: FramePipeline | null = null;
  #maker: FrameMaker | null = null;
  readonly reporter = new TelemetryReporter(
    {
      snapshot: () => this.pipeline?.snapshot() ?? null,
      host: () => ({}),
      now: () => new Date(this.clock.wallMs()),
    },
    {
      send: (stream: PeriodicStream, body: unknown) => {
        if (stream === 'state') this.states.push(bodySchemaOf(stream).parse(body));
        if (stream === 'metrics') this.windows.push(bodySchemaOf(stream).parse(body));
      },
    },
    (error) => this.errors.push(error),
    2 ** 30,
  );

  constructor() {
    reporters.push(this.reporter);
  }

  async configure(): Promise<void> {
    const pipeline = new FramePipeline({
      engine: new FakeEngine(),
      manifest: MANIFEST,
      cameras: [{ name: 'front' }],
      clock: this.clock,
      sinks: [this.reporter.sink],
    });
    await pipeline.start();
    this.reporter.turn();
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
    this.reporter.turn();
    await this.pipeline!.close();
    this.pipeline = null;
  }
}

const publishedIn = ({ cameras }: StreamBody<'metrics'>): number => cameras[0]?.published ?? 0;

describe('telemetry of a node that is configured again', () => {
  it.each([
    [30, 25],
    [20, 25],
  ])('counts %i and then %i frames in windows that touch, each in its own', async (first, second) => {
    const node = new Node();
    node.clock.advance(4000);
    await node.configure();
    await node.frames(first);
    await node.cleanup();
    node.clock.advance(8000);
    node.reporter.report();
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

  it('says of a pause that frames were not taken in it: rates are over the rest of the window', async () => {
    const node = new Node();
    await node.configure();
    await node.frames(10);
    await node.pipeline!.deactivate();
    node.clock.advance(30_000);
    node.pipeline!.activate();
    await node.frames(10);
    node.reporter.report();
    expect(node.windows.at(-1)!.cameras[0]!.fps.in).toBeCloseTo(10, 6);
    await node.pipeline!.close();
  });
});

describe('a message that cannot be sent', () => {
  it('does not keep those of other streams from being sent', () => {
    const sent: string[] = [];
    const errors: unknown[] = [];
    const reporter = new TelemetryReporter(
      { snapshot: () => null, host: () => ({}), now: () => new Date(0) },
      {
        send: (stream: string) => {
          if (stream === 'state') throw new Error('refused');
          sent.push(stream);
        },
      },
      (error) => errors.push(error),
    );
    reporters.push(reporter);
    reporter.report();
    expect(sent).toEqual(PERIODIC_STREAMS.filter((stream) => stream !== 'state'));
    expect(errors).toEqual([new Error('refused')]);
  });

  it('is told and not thrown where what it is about cannot be read', () => {
    const errors: unknown[] = [];
    const broken = new Error('no sensors');
    const reporter = new TelemetryReporter(
      {
        snapshot: () => null,
        host: () => {
          throw broken;
        },
        now: () => new Date(0),
      },
      { send: () => undefined },
      (error) => errors.push(error),
    );
    reporters.push(reporter);
    reporter.report();
    expect(errors).toEqual([broken]);
  });
});
