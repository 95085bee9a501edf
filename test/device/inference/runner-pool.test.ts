import { describe, expect, it } from 'vitest';
import { letterboxFor } from '../../../src/core/image/letterbox.ts';
import type {
  DecodeLimits,
  EngineIncident,
  InferenceInput,
  InferenceOutcome,
} from '../../../src/device/inference/engine.ts';
import type { RunnerHandle } from '../../../src/device/inference/runner-handle.ts';
import { RunnerPool, type RunnerPoolOptions } from '../../../src/device/inference/runner-pool.ts';
import type { EnginePlan } from '../../../src/device/inference/plan.ts';
import type { ProviderCandidate } from '../../../src/device/inference/providers.ts';
import type { FromRunner, ModelRequest } from '../../../src/device/inference/runner-messages.ts';
import { FakeClock, FakeHandle, REPORT, settle } from './fake-handles.ts';

const LIMITS: DecodeLimits = { scoreThreshold: 0.3, iouThreshold: 0.5, maxDetections: 10, classFilter: null };
const VARIANT = {
  id: 'fp32',
  file: 'model.onnx',
  sha256: '0'.repeat(64),
  bytes: 1,
  precision: 'fp32',
  providers: ['cpu'],
  batch: { min: 1, max: 1 },
} as const;

function image(): InferenceInput {
  const pixels = new Uint8Array(12);
  return {
    kind: 'letterboxed',
    pixels,
    letterbox: letterboxFor(2, 2, 2, 2, 'center'),
    encoding: 'rgb8',
    step: 6,
  };
}

function candidate(changes: Partial<ProviderCandidate> = {}): ProviderCandidate {
  const variant = { ...VARIANT, providers: [...VARIANT.providers] };
  return { provider: 'cpu', fallbacks: [], variant, exactInt8: false, onlyAfterRefusal: false, ...changes };
}

const variantOf = (id: string): ProviderCandidate['variant'] => ({ ...candidate().variant, id });

function planOf(changes: Partial<EnginePlan>): RunnerPoolOptions['plan'] {
  return () =>
    Promise.resolve({
      candidates: [],
      refusals: [],
      foreignEngine: null,
      mismatches: [],
      choice: { how: 'only', why: 'there is no other', candidates: [], notes: [] },
      requestFor: ({ provider }) => ({ provider, threads: 1 }) as ModelRequest,
      ...changes,
    });
}

function setUp(changes: Partial<RunnerPoolOptions> = {}, kind: RunnerHandle['kind'] = 'worker') {
  const clock = new FakeClock();
  const handles: FakeHandle[] = [];
  const incidents: EngineIncident[] = [];
  const engine = new RunnerPool({
    kind,
    createHandle: () => {
      const handle = new FakeHandle(kind);
      handles.push(handle);
      return handle;
    },
    bundle: { name: 'tiny', version: '1.0.0', digest: 'd' },
    plan: planOf({
      candidates: [candidate()],
      refusals: [{ provider: 'cuda', reason: 'is not installed' }],
    }),
    preferred: 'cuda, cpu',
    strict: false,
    workers: 1,
    queueDepth: 1,
    timeoutMs: 1000,
    startTimeoutMs: (provider) => (provider === 'tensorrt' ? 3_600_000 : 5000),
    clock,
    backoff: { firstMs: 100, capMs: 400, stableMs: 30_000 },
    ...changes,
  });
  engine.onIncident((incident) => incidents.push(incident));
  const handle = (index: number): FakeHandle => {
    const found = handles[index];
    if (found === undefined) throw new Error(`no handle ${index}, there are ${handles.length}`);
    return found;
  };
  return { engine, clock, handles, handle, incidents };
}

type Setup = ReturnType<typeof setUp>;

async function started(setup: Setup): Promise<Setup> {
  const info = setup.engine.start();
  for (let i = 0; i < setup.engine.parallel; i += 1) {
    await settle();
    for (const handle of setup.handles)
      if (handle.sent.length === 1) handle.say({ type: 'loaded', report: REPORT });
  }
  await info;
  return setup;
}

const reasons = ({ items }: InferenceOutcome) => items.map((item) => (item.ok ? 'ok' : item.reason));

describe('jobs', () => {
  it('wait for room in order of arrival, and go to every free runner', async () => {
    const { engine, handle, clock } = await started(setUp({ workers: 2 }));
    const outcomes = Array.from({ length: 5 }, () => engine.infer([image()], LIMITS));
    expect([handle(0).runs.length, handle(1).runs.length]).toEqual([1, 1]);
    await clock.pass(7);
    for (const id of [1, 2, 3, 4, 5]) {
      const owner = [handle(0), handle(1)].find(({ runs }) => runs.at(-1)?.id === id);
      const job = owner?.runs.at(-1);
      if (owner !== undefined && job !== undefined) owner.answer(job);
    }
    const settled = await Promise.all(outcomes);
    expect(settled.map(reasons)).toEqual(Array.from({ length: 5 }, () => ['ok']));
    // seven milliseconds from the call, two of them reported by the runner
    expect(settled[0]?.times).toEqual({ queue: 5, inference: 1, decode: 1 });
    expect(handle(0).runs.map(({ id }) => id)).toEqual([1, 3, 5]);
  });

  it('are handed over before the previous one is done if the queue is deeper', async () => {
    const { engine, handle } = await started(setUp({ queueDepth: 2 }));
    expect(engine.parallel).toBe(2);
    for (let i = 0; i < 3; i += 1) void engine.infer([image()], LIMITS);
    expect(handle(0).runs.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('are refused, not kept, beyond a sane number', async () => {
    const { engine } = await started(setUp());
    const outcomes = Array.from({ length: 258 }, () => engine.infer([image()], LIMITS));
    expect(
      reasons((await outcomes[257]) ?? { items: [], times: { queue: 0, inference: 0, decode: 0 } }),
    ).toEqual(['inference_failed']);
  });
});

describe('a runner that ends', () => {
  it('loses only its jobs in flight, which are reported; the waiting ones go to its replacement', async () => {
    const { engine, handle, handles, clock, incidents } = await started(setUp());
    const first = engine.infer([image(), image()], LIMITS);
    const second = engine.infer([image()], LIMITS);
    handle(0).exit('signal SIGSEGV');
    expect(reasons(await first)).toEqual(['engine_lost', 'engine_lost']);
    expect((await first).items[0]).toMatchObject({
      code: 'GOSHAWK_ENGINE_CRASHED',
      message: expect.stringContaining('SIGSEGV') as string,
    });
    expect((await first).items[0]).not.toHaveProperty('pixels');
    await clock.pass(0);
    expect(handles).toHaveLength(2);
    handle(1).say({ type: 'loaded', report: REPORT });
    const job = handle(1).runs[0];
    expect(job?.id).toBe(2);
    if (job !== undefined) handle(1).answer(job);
    expect(reasons(await second)).toEqual(['ok']);
    await settle();
    expect(incidents.map(({ kind, lostJobs }) => [kind, lostJobs])).toEqual([
      ['lost', 1],
      ['restored', 0],
    ]);
  });

  it('returns the pixels if it is a child process: they never left', async () => {
    const { engine, handle } = await started(setUp({}, 'child'));
    const input = image();
    const outcome = engine.infer([input], LIMITS);
    handle(0).exit('signal SIGKILL');
    expect((await outcome).items[0]?.pixels).toBe(input.pixels);
  });

  it('repeatedly is restarted at growing intervals, and each failure is reported', async () => {
    const { handle, handles, clock, incidents } = await started(setUp());
    const startsAt: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      handle(handles.length - 1).exit('crash');
      await settle();
      const before = handles.length;
      while (handles.length === before) await clock.pass(10);
      startsAt.push(clock.monotonicMs());
    }
    expect(startsAt.map((at, i) => at - (startsAt[i - 1] ?? 0))).toEqual([10, 100, 200, 400, 400]);
    expect(incidents.map(({ kind }) => kind)).toEqual(['lost', 'failed', 'failed', 'failed', 'failed']);
  });

  it('with an answer still under way is no longer trusted', async () => {
    const { engine, handle, clock } = await started(setUp());
    const outcome = engine.infer([image()], LIMITS);
    const job = handle(0).runs[0];
    handle(0).exit('crash');
    if (job !== undefined) handle(0).answer(job);
    expect(reasons(await outcome)).toEqual(['engine_lost']);
    await clock.pass(0);
  });
});

describe('a runner that does not answer', () => {
  it('is given up after the time limit of its oldest job and replaced', async () => {
    const { engine, handle, handles, clock, incidents } = await started(setUp({ queueDepth: 2 }));
    const first = engine.infer([image()], LIMITS);
    await clock.pass(600);
    const second = engine.infer([image()], LIMITS);
    const answered = handle(0).runs[0];
    if (answered !== undefined) handle(0).answer(answered);
    expect(reasons(await first)).toEqual(['ok']);
    await clock.pass(999);
    expect(handle(0).abandoned).toBe(false);
    await clock.pass(1);
    expect(handle(0).abandoned).toBe(true);
    expect(reasons(await second)).toEqual(['engine_lost']);
    expect(handles).toHaveLength(2);
    expect(incidents).toMatchObject([{ kind: 'lost', code: 'GOSHAWK_ENGINE_TIMEOUT', lostJobs: 1 }]);
  });

  it('repeatedly, as a thread that cannot be killed, is not replaced endlessly', async () => {
    const { engine, handle, handles, clock, incidents } = await started(setUp());
    for (let i = 0; i < 3; i += 1) {
      const outcome = engine.infer([image()], LIMITS);
      await clock.pass(1000);
      expect(reasons(await outcome)).toEqual(['engine_lost']);
      await clock.pass(500);
      if (handles.length === i + 2) handle(i + 1).say({ type: 'loaded', report: REPORT });
    }
    await clock.pass(60_000);
    expect(handles).toHaveLength(3);
    expect(incidents.at(-1)).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('child') as string,
    });
    // one of them exits after all, which frees its place
    handle(0).exit('code 0');
    await clock.pass(10_000);
    expect(handles).toHaveLength(4);
  });

  it('and has no replacement: jobs do not wait forever, and their pixels are returned', async () => {
    const { engine, handle, clock } = await started(setUp());
    handle(0).exit('crash');
    const input = image();
    const outcome = engine.infer([input], LIMITS);
    await clock.pass(1500);
    expect(reasons(await outcome)).toEqual(['engine_lost']);
    expect((await outcome).items[0]?.pixels).toBe(input.pixels);
  });

  it('while it loads fails the start', async () => {
    const { engine, handle, clock } = setUp();
    const info = engine.start();
    await settle();
    const failure = expect(info).rejects.toMatchObject({ code: 'GOSHAWK_ENGINE_TIMEOUT' });
    await clock.pass(5000);
    await failure;
    expect(handle(0).abandoned).toBe(true);
  });

  it('while TensorRT builds its engine gets as much time as that takes', async () => {
    const { engine, handle, clock } = setUp({
      plan: planOf({ candidates: [candidate({ provider: 'tensorrt' })] }),
    });
    const info = engine.start();
    await clock.pass(3_500_000);
    expect(handle(0).abandoned).toBe(false);
    handle(0).say({ type: 'loaded', report: REPORT });
    expect(await info).toMatchObject({ provider: 'tensorrt' });
  });
});

describe('starting', () => {
  it('tries the next provider if one cannot be loaded after all, and reports that', async () => {
    const setup = setUp({ plan: planOf({ candidates: [candidate({ provider: 'cuda' }), candidate()] }) });
    const info = setup.engine.start();
    await settle();
    const details = { preferred: 'cuda', bundle: 'tiny', reasons: 'no device' };
    setup.handle(0).say({ type: 'load-failed', code: 'GOSHAWK_PROVIDER_UNAVAILABLE', details });
    await settle();
    setup.handle(1).say({ type: 'loaded', report: REPORT });
    expect(await info).toMatchObject({
      provider: 'cpu',
      refusals: [{ provider: 'cuda', reason: 'no device' }],
    });
  });

  const noMemory: FromRunner = {
    type: 'load-failed',
    code: 'GOSHAWK_PROVIDER_UNAVAILABLE',
    details: { preferred: 'cuda', bundle: 'tiny', reasons: 'out of memory' },
  };

  it('tries the next provider if a later runner cannot be loaded, and ends those that were', async () => {
    const candidates = [candidate({ provider: 'cuda' }), candidate()];
    const setup = setUp({ workers: 2, plan: planOf({ candidates }) });
    const { engine, handle, handles } = setup;
    const info = engine.start();
    await settle();
    handle(0).say({ type: 'loaded', report: REPORT });
    await settle();
    handle(1).say(noMemory);
    await settle();
    expect(handle(0).sent.at(-1)).toEqual({ type: 'close' });
    handle(0).exit('closed');
    for (const index of [2, 3]) {
      await settle();
      handle(index).say({ type: 'loaded', report: REPORT });
    }
    expect(await info).toMatchObject({
      provider: 'cpu',
      refusals: [{ provider: 'cuda', reason: 'out of memory' }],
    });
    for (let i = 0; i < 2; i += 1) void engine.infer([image()], LIMITS);
    expect(handles.map(({ runs }) => runs.length)).toEqual([0, 0, 1, 1]);
    expect(setup.incidents).toEqual([]);
  });

  it.each([false, true])(
    'names why a later runner was refused if nothing is left (together: %s)',
    async (together) => {
      const { engine, handle } = setUp({ workers: 2, startTogether: together });
      const info = engine.start();
      await settle();
      handle(0).say({ type: 'loaded', report: REPORT });
      await settle();
      handle(1).say(noMemory);
      await settle();
      handle(0).exit('closed');
      await expect(info).rejects.toMatchObject({
        code: 'GOSHAWK_PROVIDER_UNAVAILABLE',
        message: expect.stringContaining('out of memory') as string,
      });
      await engine.close();
    },
  );

  it('fails immediately for a broken bundle, with its own code, and leaves no runner behind', async () => {
    const { engine, handle, handles } = setUp({ workers: 3 });
    const info = engine.start();
    await settle();
    handle(0).say({ type: 'load-failed', code: 'GOSHAWK_BUNDLE_DIGEST', details: { file: 'model.onnx' } });
    await expect(info).rejects.toMatchObject({ code: 'GOSHAWK_BUNDLE_DIGEST' });
    expect(handles).toHaveLength(1);
    expect(handle(0).sent.at(-1)).toEqual({ type: 'close' });
  });

  it('names every refusal if nothing can run', async () => {
    const { engine } = setUp({
      plan: planOf({ refusals: [{ provider: 'tensorrt', reason: 'is not installed' }] }),
    });
    await expect(engine.start()).rejects.toMatchObject({
      code: 'GOSHAWK_PROVIDER_UNAVAILABLE',
      message: expect.stringContaining('tensorrt: is not installed') as string,
    });
  });

  it('names both machines if there is only an engine of another one', async () => {
    const foreignEngine = { variant: 'engine', built: 'TensorRT 10.3.0', found: 'no TensorRT' };
    const { engine } = setUp({ plan: planOf({ foreignEngine }) });
    await expect(engine.start()).rejects.toMatchObject({
      code: 'GOSHAWK_ENGINE_INCOMPATIBLE',
      message: expect.stringMatching(/TensorRT 10\.3\.0.*no TensorRT/) as string,
    });
  });
});

describe('variants that fail the reference check', () => {
  const mismatch = (variant: string): FromRunner => ({
    type: 'load-failed',
    code: 'GOSHAWK_REFERENCE_MISMATCH',
    details: { bundle: 'tiny', reasons: `${variant}: refused` },
  });

  it('are skipped in favor of the next one, and the refusal is reported', async () => {
    const candidates = [candidate({ variant: variantOf('int8') }), candidate()];
    const setup = setUp({ plan: planOf({ candidates }) });
    const info = setup.engine.start();
    await settle();
    setup.handle(0).say(mismatch('int8'));
    await settle();
    setup.handle(1).say({ type: 'loaded', report: REPORT });
    expect(await info).toMatchObject({
      variant: 'fp32',
      referenceCheck: { verdict: 'unchecked' },
      refusals: [{ provider: 'cpu', reason: 'int8: refused' }],
    });
  });

  it('are run with exact kernels if that is the last way, and only then', async () => {
    const int8 = candidate({ variant: variantOf('int8') });
    const exact = { ...int8, exactInt8: true, onlyAfterRefusal: true };
    const fp32 = candidate({ exactInt8: true, onlyAfterRefusal: true });
    const setup = setUp({ plan: planOf({ candidates: [int8, fp32, exact] }) });
    const info = setup.engine.start();
    await settle();
    setup.handle(0).say(mismatch('int8'));
    await settle();
    setup.handle(1).say({ type: 'loaded', report: REPORT });
    expect(await info).toMatchObject({ variant: 'int8', exactInt8: true });
    expect(setup.handles).toHaveLength(2);
  });

  it('keep a strict engine from starting', async () => {
    const candidates = [candidate({ variant: variantOf('int8') }), candidate()];
    const setup = setUp({ plan: planOf({ candidates }), strict: true });
    const info = setup.engine.start();
    const failure = expect(info).rejects.toMatchObject({ code: 'GOSHAWK_REFERENCE_MISMATCH' });
    await settle();
    setup.handle(0).say(mismatch('int8'));
    await failure;
    expect(setup.handles).toHaveLength(1);
  });

  it('are reported with their deviations, and what to do, if none is left', async () => {
    const setup = setUp({
      plan: planOf({ candidates: [candidate()], mismatches: ['int8: refused before'] }),
    });
    const info = setup.engine.start();
    const failure = expect(info).rejects.toMatchObject({
      code: 'GOSHAWK_REFERENCE_MISMATCH',
      message: expect.stringContaining('int8: refused before; fp32: refused') as string,
      fix: expect.stringContaining('goshawk optimize') as string,
    });
    await settle();
    setup.handle(0).say(mismatch('fp32'));
    await failure;
  });
});

describe('closing', () => {
  it('lets the job in progress finish, settles the waiting ones, refuses new ones, and leaves no timer', async () => {
    const { engine, handle, clock } = await started(setUp());
    const inFlight = engine.infer([image()], LIMITS);
    const waiting = engine.infer([image()], LIMITS);
    const closed = engine.close();
    expect(reasons(await waiting)).toEqual(['shutdown']);
    expect(handle(0).sent.at(-1)).toEqual({ type: 'close' });
    const job = handle(0).runs[0];
    if (job !== undefined) handle(0).answer(job);
    expect(reasons(await inFlight)).toEqual(['ok']);
    handle(0).exit('code 0');
    await closed;
    await engine.close();
    expect(reasons(await engine.infer([image()], LIMITS))).toEqual(['shutdown']);
    expect(clock.timers).toBe(0);
  });

  it('does not wait forever', async () => {
    const { engine, handle, clock, incidents } = await started(setUp());
    const inFlight = engine.infer([image()], LIMITS);
    const closed = engine.close();
    await clock.pass(1000);
    await closed;
    expect(reasons(await inFlight)).toEqual(['engine_lost']);
    expect(handle(0).abandoned).toBe(true);
    expect(incidents).toEqual([]);
  });

  it('while it decides what to run starts no runner', async () => {
    const plan = planOf({ candidates: [candidate()] });
    let decide = (): void => undefined;
    const decided = new Promise<void>((resolve) => (decide = resolve));
    const { engine, handles } = setUp({ plan: () => decided.then(plan) });
    const info = engine.start();
    await engine.close();
    decide();
    await expect(info).rejects.toMatchObject({ code: 'GOSHAWK_INTERNAL' });
    expect(handles).toHaveLength(0);
  });

  it('while the first runner is refused starts none with the next provider', async () => {
    const candidates = [candidate({ provider: 'cuda' }), candidate()];
    const { engine, handle, handles } = setUp({ plan: planOf({ candidates }) });
    const info = engine.start();
    await settle();
    const closed = engine.close();
    const details = { reasons: 'no device' };
    handle(0).say({ type: 'load-failed', code: 'GOSHAWK_PROVIDER_UNAVAILABLE', details });
    await closed;
    await expect(info).rejects.toMatchObject({ code: 'GOSHAWK_INTERNAL' });
    expect(handles).toHaveLength(1);
  });

  it('cancels a pending replacement', async () => {
    const { engine, handle, handles, clock } = await started(setUp());
    handle(0).exit('crash');
    await engine.close();
    await clock.pass(10_000);
    expect(handles).toHaveLength(1);
  });
});

it('a buffer that cannot be sent is refused, and the runner keeps serving', async () => {
  const { engine, handle } = await started(setUp());
  const post = handle(0).post.bind(handle(0));
  handle(0).post = () => {
    throw new Error('An ArrayBuffer is detached and could not be cloned.');
  };
  expect(reasons(await engine.infer([image()], LIMITS))).toEqual(['malformed']);
  handle(0).post = post;
  const next = engine.infer([image()], LIMITS);
  const job = handle(0).runs[0];
  if (job !== undefined) handle(0).answer(job);
  expect(reasons(await next)).toEqual(['ok']);
});
