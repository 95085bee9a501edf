import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelRequest, TrialResult } from '../../../src/device/inference/runner-messages.ts';
import { planVariants, type PlanRequest } from '../../../src/device/inference/plan-variants.ts';
import type { ProviderCandidate } from '../../../src/device/inference/providers.ts';
import { MeasurementCache } from '../../../src/device/machine/measurement-cache.ts';
import { candidate, FakeHandle } from './fake-handles.ts';

let folder = '';
let notes: string[] = [];
let trials = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-plan-'));
  notes = [];
  trials = 0;
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const tried = (times: readonly number[], verdict: 'passed' | 'refused' = 'passed'): TrialResult => ({
  check: {
    verdict,
    scores: verdict === 'passed' ? 0 : 0.57,
    boxes: 0,
    tolerance: 0.2,
    inputs: 6,
    reason: 'told so',
  },
  times,
  skipped: '',
  isLate: false,
});

/** A runner that answers every trial in the same way, or exits. */
class TrialHandle extends FakeHandle {
  readonly #results: readonly TrialResult[] | null;

  constructor(results: readonly TrialResult[] | null) {
    super('worker');
    this.#results = results;
  }

  override post(message: Parameters<FakeHandle['post']>[0]): void {
    super.post(message);
    if (message.type !== 'trial') return;
    trials += 1;
    const results = this.#results;
    queueMicrotask(() =>
      results === null ? this.exit('signal SIGSEGV') : this.say({ type: 'tried', results }),
    );
  }
}

function request(
  candidates: readonly ProviderCandidate[],
  results: readonly TrialResult[] | null,
  changes: Partial<PlanRequest> = {},
): PlanRequest {
  return {
    choice: { candidates, refusals: [], foreignEngine: null },
    isAsked: false,
    strict: false,
    requestFor: ({ variant }) => ({ variant: variant.id, threads: 1 }) as ModelRequest,
    createHandle: () => new TrialHandle(results),
    cache: new MeasurementCache((line) => notes.push(line), folder),
    bundleDigest: 'b'.repeat(64),
    fingerprint: 'f'.repeat(64),
    startTimeoutMs: () => 5000,
    ...changes,
  };
}

const ids = (plan: { readonly candidates: readonly ProviderCandidate[] }): string[] =>
  plan.candidates.map(({ provider, variant }) => `${provider} ${variant.id}`);

const TWO = [candidate('fp32'), candidate('int8')];

describe('the choice of a variant', () => {
  it('is the fastest one, measured once per bundle and machine', async () => {
    const results = [tried([8, 8, 8]), tried([3, 3, 3])];
    const first = await planVariants(request(TWO, results));
    expect([ids(first), first.choice.how]).toEqual([['cpu int8', 'cpu fp32'], 'measured']);
    const second = await planVariants(request(TWO, results));
    expect([ids(second), second.choice.how]).toEqual([['cpu int8', 'cpu fp32'], 'kept']);
    expect(second.choice.candidates).toEqual(first.choice.candidates);
    expect(trials).toBe(1);
  });

  it.each([
    ['another machine, or one whose CPU shows other features since', { fingerprint: 'e'.repeat(64) }],
    ['another bundle', { bundleDigest: 'c'.repeat(64) }],
  ])('is measured again for %s', async (_what, changes) => {
    await planVariants(request(TWO, [tried([8]), tried([3])]));
    const plan = await planVariants(request(TWO, [tried([2]), tried([3])], changes));
    expect([ids(plan)[0], plan.choice.how, trials]).toEqual(['cpu fp32', 'measured', 2]);
  });

  it('is not measured if it was requested, or is the only one', async () => {
    const asked = await planVariants(request([candidate('int8')], null, { isAsked: true }));
    expect(asked.choice).toMatchObject({ how: 'asked', why: 'int8 was requested' });
    const only = await planVariants(request([candidate('fp32')], null));
    expect(only.choice.how).toBe('only');
    expect(trials).toBe(0);
  });

  it('is measured only for the best provider; the others wait in their order', async () => {
    const all = [candidate('fp16', { provider: 'cuda' }), candidate('fp32', { provider: 'cuda' }), ...TWO];
    const plan = await planVariants(request(all, [tried([5]), tried([3])]));
    expect(ids(plan)).toEqual(['cuda fp32', 'cuda fp16', 'cpu fp32', 'cpu int8']);
  });

  it('is not measured on TensorRT, which would search for kernels for minutes', async () => {
    const all = [candidate('a', { provider: 'tensorrt' }), candidate('b', { provider: 'tensorrt' })];
    const plan = await planVariants(request(all, null));
    expect([plan.choice.how, trials]).toEqual(['order', 0]);
  });

  it('follows the manifest if the measuring runner ends, and reports that', async () => {
    const plan = await planVariants(request(TWO, null));
    expect(ids(plan)).toEqual(['cpu fp32', 'cpu int8']);
    expect(plan.choice).toMatchObject({ how: 'order', why: expect.stringContaining('SIGSEGV') as string });
  });

  it('follows the manifest on a busy machine, and is measured at the next start', async () => {
    const busy = [tried([3, 20, 30]), tried([4, 4, 19])];
    const plan = await planVariants(request(TWO, busy));
    expect([ids(plan)[0], plan.choice.how]).toEqual(['cpu fp32', 'busy']);
    const later = await planVariants(request(TWO, [tried([8, 8, 8]), tried([3, 3, 3])]));
    expect([ids(later)[0], later.choice.how]).toEqual(['cpu int8', 'measured']);
  });
});

describe('variants that fail the reference check', () => {
  const results = [tried([8, 8, 8]), tried([], 'refused')];

  it('are left out, with their deviations among the refusals', async () => {
    const plan = await planVariants(request(TWO, results));
    expect(ids(plan)).toEqual(['cpu fp32']);
    expect(plan.refusals[0]).toMatchObject({
      provider: 'cpu',
      reason: expect.stringContaining('0.5700') as string,
    });
    const kept = await planVariants(request(TWO, results));
    expect([ids(kept), kept.choice.how]).toEqual([['cpu fp32'], 'kept']);
    expect(kept.mismatches).toEqual(plan.mismatches);
  });

  it('leave a strict engine without anything to run', async () => {
    const plan = await planVariants(request(TWO, results, { strict: true }));
    expect(ids(plan)).toEqual([]);
    expect(plan.mismatches[0]).toContain('int8 on cpu: refused');
  });

  it('do not stop a strict engine if exact kernels make them pass', async () => {
    const exact = candidate('int8', { exactInt8: true, onlyAfterRefusal: true });
    const plan = await planVariants(
      request([...TWO, exact], [...results, tried([20, 20, 20])], { strict: true }),
    );
    expect(ids(plan)).toEqual(['cpu fp32', 'cpu int8']);
  });

  it('may be all of them', async () => {
    const plan = await planVariants(request(TWO, [tried([], 'refused'), tried([], 'refused')]));
    expect([ids(plan), plan.mismatches.length]).toEqual([[], 2]);
  });
});

describe('a stored choice that cannot be used', () => {
  it('is ignored with a log line, and measured again', async () => {
    const results = [tried([8, 8, 8]), tried([3, 3, 3])];
    await planVariants(request(TWO, results));
    const cache = new MeasurementCache((line) => notes.push(line), folder);
    const key = {
      what: 'variants',
      bundleDigest: 'b'.repeat(64),
      fingerprint: 'f'.repeat(64),
      provider: 'cpu',
    } as const;
    await cache.write(
      { ...key, threads: 1, candidates: 'fp32 on cpu, int8 on cpu' },
      { why: 'another form' },
    );
    const plan = await planVariants(request(TWO, results));
    expect(plan.choice.how).toBe('measured');
    expect(notes).toEqual([expect.stringMatching(/^GOSHAWK_CACHE_IGNORED/)]);
  });
});
