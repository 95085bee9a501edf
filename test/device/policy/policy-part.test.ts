import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { statusSchema, type Status } from '../../../src/contract/status.ts';
import { eventSchema } from '../../../src/contract/telemetry/shapes.ts';
import type { DriftState } from '../../../src/core/drift/window-verdict.ts';
import { Policy } from '../../../src/device/policy/policy-part.ts';
import type { FrameResult } from '../../../src/device/pipeline/frame/frame-result.ts';
import { turns } from '../pipeline/fakes.ts';
import { sessionOf } from '../runtime/fake-session.ts';
import { changed, policyText, worse } from './policies.ts';

interface Sent {
  readonly kind: string;
  readonly text: string;
  readonly frames?: readonly number[];
  readonly values: Readonly<Record<string, unknown>>;
}

/** What the drift part would say of the camera. */
function driftOf(state: DriftState): NonNullable<Status['drift']> {
  const verdict = {
    at: '2026-01-01T00:00:00.000Z',
    state,
    evidence: 2,
    since: null,
    context: 'day',
    features: [],
    cause: { name: 'dark', words: 'dark', evidence: [] },
  };
  return { windowSeconds: 60, windows: 0, window: null, cameras: {}, verdicts: { front: verdict } };
}

const OTHER = { code: 'GOSHAWK_DRIFT_REFERENCE_MISMATCH', reason: 'it is of another one' };

describe('the policy part', () => {
  let folder = '';
  let state: DriftState = 'ok';
  let nowMs = 0;
  let isJudged = true;
  let known: Partial<NonNullable<Status['drift']>> = {};
  let captures: string[] | 'used up' | null = null;
  let sent: Sent[] = [];
  let logged: string[] = [];
  let said: string[] = [];
  let failure: Error | null = null;
  let part: Policy;
  let session = sessionOf();
  const file = (): string => join(folder, 'policy.json');

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-policy-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => {
    [state, nowMs, isJudged, captures, sent, logged, said] = ['ok', 0, true, null, [], [], []];
    [failure, known] = [null, {}];
  });
  afterEach(() => {
    part.stop();
    vi.useRealTimers();
  });

  async function open(text: string, publishes = true): Promise<void> {
    writeFileSync(file(), text);
    part = new Policy(
      file(),
      {
        drift: () => (isJudged ? { ...driftOf(state), ...known } : null),
        send: (_stream, make) => void sent.push(eventSchema.parse(make()) as Sent),
        capture: ({ text, camera }) => {
          if (captures === 'used up') return { code: 'GOSHAWK_CAPTURE_REFUSED', reason: captures };
          if (captures === null) return { code: 'GOSHAWK_CAPTURE_OFF', reason: 'capture_dir is not set' };
          captures.push(`${camera ?? ''}: ${text}`);
          return { clip: 'a-clip' };
        },
      },
      {
        log: (_level, line) => void logged.push(line),
        publishText: publishes ? publish : null,
        nowMs: () => nowMs,
      },
    );
    session = sessionOf();
    await part.start();
    const { sink } = part.attach(session);
    void sink?.deliver({ envelope: { camera: 'front', sequence: 41 } } as FrameResult, null);
  }

  function publish(topic: string, words: string): void {
    if (failure !== null) throw failure;
    said.push(`${topic} ${words}`);
  }

  function become(next: DriftState): void {
    state = next;
    nowMs += 1000;
    part.look();
  }

  const kinds = (): string[] => sent.map(({ kind }) => kind);
  const policyStatus = (): NonNullable<Status['policy']> =>
    statusSchema.shape.policy.unwrap().parse(part.status().policy);

  it('changes limits while a camera drifts, and puts back what the operator has set since', async () => {
    await open(policyText([changed('notify', { set: { score_threshold: 0.6 } })]));
    const { pipeline } = session;
    become('drifted');
    expect(pipeline.limits).toMatchObject({ score_threshold: 0.6 });
    pipeline.setLimits({ score_threshold: 0.35, max_detections: 7 });
    expect(pipeline.limits).toMatchObject({ score_threshold: 0.6, max_detections: 7 });
    become('ok');
    expect(pipeline.limits).toMatchObject({ score_threshold: 0.35, max_detections: 7 });
  });

  it('logs and reports each action with its cause and frame, and that it is over', async () => {
    await open(policyText([changed({ set: { score_threshold: 0.6 } })]));
    become('drifted');
    become('ok');
    expect(kinds()).toEqual(['policy_action', 'policy_undone']);
    expect(sent[0]).toMatchObject({
      camera: 'front',
      frames: [41],
      values: { rule: 'changed', actions: 'set', verdict: 'input-changed', state: 'drifted', cause: 'dark' },
    });
    expect(logged.find((line) => line.startsWith('POLICY_ACTION'))).toMatch(
      /rule changed, camera front .*dark.*set score_threshold=0.6 \(frame 41\)/,
    );
  });

  it('says what safe mode says, and takes it back, also when the detector ends', async () => {
    await open(policyText([changed({ safe_mode: { topic: '~/safe', message: 'slow', over: 'normal' } })]));
    become('drifted');
    become('drifted');
    expect(said.slice(1)).toEqual(['~/safe slow']);
    part.stop();
    expect(said.slice(1)).toEqual(['~/safe slow', '~/safe normal']);
  });

  it('says at the start that safe mode is over: what a killed detector said may still be in force', async () => {
    const quiet = { ...worse({ safe_mode: { topic: '~/other', message: 'stop' } }), name: 'other' };
    await open(policyText([changed({ safe_mode: { topic: '~/safe', message: 'slow', over: 'normal' } })]));
    expect(said).toEqual(['~/safe normal']);
    become('drifted');
    await reread(policyText([quiet]));
    expect(said).toEqual(['~/safe normal', '~/safe slow', '~/safe normal', '~/other ']);
  });

  it('says what the rule says that is over last, if two say the same', async () => {
    const mode = (camera: string, over: string): object => ({
      ...changed({ safe_mode: { topic: 'safe', message: 'slow', over } }),
      name: camera,
      when: { verdict: 'input-changed', camera },
    });
    await open(policyText([mode('front', 'normal'), mode('rear', 'careful')]));
    const { front } = driftOf('drifted').verdicts ?? {};
    said = [];
    known = { verdicts: { front: front!, rear: front! } };
    become('drifted');
    known = { verdicts: { front: { ...front!, state: 'ok' }, rear: front! } };
    become('ok');
    expect(said).toEqual(['safe slow']);
    part.stop();
    expect(said).toEqual(['safe slow', 'safe careful']);
  });

  it('prefers the rule that is first in the file, whichever came first', async () => {
    const second = { ...changed({ set: { score_threshold: 0.6, max_detections: 5 } }), name: 'second' };
    const slow = {
      ...changed({ set: { score_threshold: 0.9 } }),
      when: { verdict: 'input-changed', for_s: 1 },
    };
    await open(policyText([slow, second]));
    become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.6, max_detections: 5 });
    become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.9, max_detections: 5 });
  });

  it('freezes, and shows it in the status', async () => {
    await open(policyText([changed('freeze')]));
    expect(policyStatus().isFrozen).toBe(false);
    become('drifted');
    expect(policyStatus()).toMatchObject({ isFrozen: true, active: [{ rule: 'changed', camera: 'front' }] });
    expect(await part.metrics.text()).toContain(
      'goshawk_policy_rule_active{rule="changed",camera="front"} 1',
    );
  });

  it('asks for a capture, and reports that nobody keeps any', async () => {
    captures = [];
    await open(policyText([{ ...changed('capture'), allow_on_input_change: false }]));
    become('drifted');
    expect(captures).toEqual([expect.stringMatching(/^front: rule changed/)]);
    captures = null;
    become('ok');
    become('drifted');
    expect(kinds().at(-1)).toBe('policy_failed');
    expect(part.health()).toEqual([
      expect.stringMatching(/^GOSHAWK_POLICY_ACTION: .*capture.*GOSHAWK_CAPTURE_OFF/),
    ]);
    become('ok');
    expect(part.health()).toEqual([]);
  });

  it('reports a clip that budgets do not allow, which is nothing wrong with the device', async () => {
    captures = 'used up';
    await open(policyText([changed('capture')]));
    become('drifted');
    expect(sent.at(-1)).toMatchObject({ kind: 'policy_failed', severity: 'warning' });
    expect(sent.at(-1)?.text).toMatch(/could not capture: GOSHAWK_CAPTURE_REFUSED: used up/);
    expect([part.health(), policyStatus().failed]).toEqual([[], {}]);
  });

  it('reports what cannot be carried out: a class that is no label, a topic without ROS', async () => {
    await open(policyText([changed({ set: { class_filter: ['unicorn'] } })]), false);
    become('drifted');
    expect(part.health()).toEqual([expect.stringMatching(/changed.*could not set: .*unicorn/)]);
    expect(session.pipeline.limits).toMatchObject({ class_filter: [] });
    part.stop();
    await open(policyText([changed({ safe_mode: { topic: 'safe', message: 'slow' } })]), false);
    become('drifted');
    expect(part.health()).toEqual([expect.stringMatching(/could not safe_mode: there are no ROS topics/)]);
  });

  it('stops a loop, reverts to the configured state, and says so until the policy changes', async () => {
    const limits = { limits: { actions_per_hour: 12, alternations_per_hour: 0 } };
    await open(policyText([changed({ set: { score_threshold: 0.6 } })], limits));
    for (const next of ['drifted', 'ok', 'drifted', 'drifted'] as const) become(next);
    expect(kinds()).toEqual(['policy_action', 'policy_undone', 'policy_stopped']);
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.3 });
    expect(part.health()).toEqual([expect.stringMatching(/^GOSHAWK_POLICY_STOPPED/)]);
    expect(policyStatus().stopped).toMatchObject({ code: 'GOSHAWK_POLICY_STOPPED' });
    await reread(policyText([changed({ set: { score_threshold: 0.7 } })], limits));
    become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.7 });
    expect(part.health()).toEqual([]);
  });

  async function reread(text: string | null): Promise<void> {
    if (text === null) rmSync(file(), { force: true });
    else writeFileSync(file(), text);
    await part.reread();
    await part.reread();
  }

  it('takes no file that is still being written, though what there is of it is a policy', async () => {
    const first = policyText([changed({ set: { score_threshold: 0.6 } })]);
    await open(first);
    become('drifted');
    const written = [
      '',
      'schema: goshawk.drift-policy/1',
      'schema: goshawk.drift-policy/1\nrules: []',
      first,
    ];
    for (const text of written) {
      writeFileSync(file(), text);
      await part.reread();
    }
    rmSync(file());
    await part.reread();
    writeFileSync(file(), written[2]!);
    await part.reread();
    expect([kinds(), part.health()]).toEqual([['policy_action'], []]);
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.6 });
    await part.reread();
    expect(kinds()).toEqual(['policy_action', 'policy_undone']);
  });

  it('follows the file: a better one replaces what was in force, a bad one is refused once', async () => {
    await open(policyText([changed({ set: { score_threshold: 0.6 } })]));
    become('drifted');
    await reread('{"schema": "nonsense"}');
    await reread('{"schema": "nonsense"}');
    await reread(null);
    await reread(null);
    expect(kinds()).toEqual(['policy_action', 'policy_refused', 'policy_refused']);
    expect(part.health()).toEqual([expect.stringMatching(/^GOSHAWK_FILE_UNREADABLE/)]);
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.6 });
    await reread(policyText([changed({ set: { score_threshold: 0.7 } })]));
    expect(part.health()).toEqual([]);
    become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.7 });
  });

  it('sets what fits the model although another rule asks for a class that is no label', async () => {
    const refused = { ...changed({ set: { class_filter: ['unicorn'] } }), name: 'refused' };
    const other = { ...changed({ set: { max_detections: 5 } }), name: 'other' };
    const third = { ...changed({ set: { score_threshold: 0.6 } }), name: 'third', sticky: true };
    await open(policyText([refused, other, third]));
    const { max_detections: configured } = session.pipeline.limits;
    become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.6, max_detections: 5 });
    expect(part.health()).toEqual([expect.stringMatching(/rule refused .*could not set: .*unicorn/)]);
    become('ok');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.6, max_detections: configured });
    expect(part.health()).toEqual([]);
  });

  it('says what a topic said until it can be taken back, and goes on meanwhile', async () => {
    await open(policyText([changed({ safe_mode: { topic: 'safe', message: 'slow', over: 'normal' } })]));
    const reason = 'no such topic';
    failure = new Error(reason);
    become('drifted');
    expect([said.slice(1), part.health()]).toEqual([[], [expect.stringContaining(reason)]]);
    become('ok');
    failure = null;
    become('drifted');
    failure = new Error(reason);
    become('ok');
    expect([said.slice(1), part.health()]).toEqual([['safe slow'], [expect.stringContaining(reason)]]);
    failure = null;
    part.stop();
    expect([said.slice(1), part.health()]).toEqual([['safe slow', 'safe normal'], []]);
  });

  /** A rule falls back to another bundle and ends, but the configured one cannot be loaded. */
  async function failToReturn(): Promise<void> {
    await open(policyText([changed({ fallback: { bundle: 'other', retry_s: 10 } })]));
    session.swapModel = () => Promise.resolve();
    become('drifted');
    await turns();
    session.swapModel = () => Promise.reject(new Error('out of memory'));
    for (let i = 0; i < 12; i += 1) become('ok');
    await turns();
  }

  it('is well again once it could return to the configured bundle', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await failToReturn();
    expect(part.health()).toEqual([expect.stringMatching(/configured bundle: out of memory/)]);
    session.swapModel = () => Promise.resolve();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(part.health()).toEqual([]);
  });

  it('forgets with a session what could not be done in it', async () => {
    await failToReturn();
    part.detach();
    part.attach(sessionOf());
    expect(part.health()).toEqual([]);
  });

  it('goes on with what was in force if the file returns unchanged', async () => {
    const text = policyText([changed({ set: { score_threshold: 0.6 } })]);
    await open(text);
    become('drifted');
    await reread(null);
    await reread(text);
    expect(part.health()).toEqual([]);
    expect(kinds()).toEqual(['policy_action', 'policy_refused']);
    expect(policyStatus().active).toHaveLength(1);
  });

  it('ends with the session, and begins anew with the next', async () => {
    await open(policyText([changed({ set: { score_threshold: 0.6 } })]));
    become('drifted');
    part.detach();
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.3 });
    session = sessionOf();
    part.attach(session);
    become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.6 });
  });

  it('falls back, and returns once all is well, or nothing is known, for as long as it is told', async () => {
    const fallback = changed({ fallback: { bundle: 'other', retry_s: 10 } });
    await open(policyText([fallback]));
    const asked: (string | null)[] = [];
    session.swapModel = (reference) => {
      asked.push(reference);
      return Promise.resolve();
    };
    become('drifted');
    await turns();
    isJudged = false;
    for (let i = 0; i < 10; i += 1) become('ok');
    expect(asked).toEqual(['other']);
    become('ok');
    await turns();
    expect(asked).toEqual(['other', null]);
  });

  it('tries the configured bundle for as long as a cause lasts, less and less often, and never stops', async () => {
    const asked: string[] = [];
    await open(policyText([changed({ fallback: { bundle: 'other', retry_s: 10 } })]));
    session.swapModel = (reference) => {
      asked.push(`${String(nowMs / 1000)} s: ${reference ?? 'configured'}`);
      isJudged = reference === null;
      return Promise.resolve();
    };
    for (let i = 0; i < 200; i += 1) {
      become('drifted');
      await turns();
    }
    expect(asked).toEqual([
      ...['1 s: other', '12 s: configured', '13 s: other', '34 s: configured', '35 s: other'],
      ...['76 s: configured', '77 s: other', '158 s: configured', '159 s: other'],
    ]);
    expect([part.health(), policyStatus().stopped]).toEqual([[], null]);
    expect(logged.at(-1)).toContain('the configured bundle is tried again after 160 s');
  });

  it('does not blame a bundle that could not be loaded because the pipeline closes', async () => {
    await open(policyText([changed({ fallback: { bundle: 'other' } })]));
    session.swapModel = () => Promise.reject(new Error('the engine was closed'));
    const snapshot = session.snapshot();
    session.snapshot = () => ({ ...snapshot, state: 'closing' });
    become('drifted');
    await turns();
    expect([part.health(), kinds()]).toEqual([[], ['policy_action']]);
  });

  it('returns to the configured bundle if the engine of the other one dies again and again, and says so', async () => {
    await open(policyText([changed({ fallback: { bundle: 'other', retry_s: 3600 } })]));
    const asked: (string | null)[] = [];
    session.swapModel = (reference) => {
      asked.push(reference);
      return Promise.resolve();
    };
    const snapshot = session.snapshot();
    let engineLost = 0;
    session.snapshot = () => ({ ...snapshot, engineLost });
    become('drifted');
    await turns();
    for (; engineLost < 3; engineLost += 1) become('drifted');
    become('drifted');
    await turns();
    expect(asked).toEqual(['other', null]);
    expect(part.health()).toEqual([
      expect.stringMatching(/^GOSHAWK_POLICY_ACTION: .*fallback: its engine was lost 3 times/),
    ]);
    expect(Object.values(policyStatus().failed ?? {})).toMatchObject([{ code: 'GOSHAWK_POLICY_ACTION' }]);
    expect(await part.metrics.text()).toContain('goshawk_policy_failures_total{action="fallback"} 1');
  });

  it('loads no model for a session that ends', async () => {
    await open(policyText([changed({ fallback: { bundle: 'other' } })]));
    const asked: (string | null)[] = [];
    session.swapModel = (reference) => {
      asked.push(reference);
      return Promise.resolve();
    };
    become('drifted');
    await turns();
    part.detach();
    expect(asked).toEqual(['other']);
  });

  it('is not healthy while its rules wait for verdicts that nothing can give, and reports that once', async () => {
    const tell = { name: 'tell', when: { verdict: 'input-changed' }, do: ['notify'] };
    const foggy = { name: 'foggy', when: { verdict: 'sees-worse', cause: 'fog' }, do: ['freeze'] };
    await open(policyText([foggy, tell]));
    isJudged = false;
    for (let i = 0; i < 5; i += 1) become('ok');
    const unmet = ['sees-worse', 'input-changed'].map(
      (kind) =>
        expect.stringMatching(
          `^GOSHAWK_POLICY_UNMET: .*"foggy".*verdict ${kind}: .*drift_window_s`,
        ) as string,
    );
    expect(part.health()).toEqual(unmet);
    expect(kinds()).toEqual(['policy_failed', 'policy_failed']);
    expect(policyStatus().unmet?.['input-changed']?.reason).toContain('"foggy", "tell"');
    isJudged = true;
    become('ok');
    expect([part.health(), policyStatus().unmet]).toEqual([[], {}]);
  });

  it.each([
    ['no reference', { verdicts: undefined, cannotTell: { 'input-changed': 'no file' } }, ['no file']],
    ['no fit', { cannotTell: { 'sees-worse': 'no fit' } }, ['no fit']],
    ['a reference of another bundle', { verdicts: {}, unjudged: { front: OTHER } }, [OTHER.reason]],
    ['a reference of another camera, and one of this', { unjudged: { rear: OTHER } }, []],
  ] as const)('knows what is missing: %s', async (_what, change, reasons) => {
    const both = { name: 'both', when: { verdict: 'sees-worse', cause: 'fog' }, do: ['notify'] };
    await open(policyText([both]));
    known = change;
    for (let i = 0; i < 3; i += 1) become('ok');
    expect(part.health()).toEqual(reasons.map((reason) => expect.stringContaining(reason) as string));
  });

  it('misses nothing while another bundle runs, which has verdicts of its own', async () => {
    await open(policyText([changed({ fallback: { bundle: 'other', retry_s: 10 } })]));
    become('drifted');
    await turns();
    isJudged = false;
    for (let i = 0; i < 5; i += 1) become('ok');
    expect(part.health()).toEqual([]);
  });

  it('undoes what it did for a camera that sends nothing any more, with an event', async () => {
    await open(policyText([changed({ set: { score_threshold: 0.6 } })]));
    become('drifted');
    known = { verdicts: {}, silent: ['front'] };
    for (let i = 0; i < 60; i += 1) become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.6 });
    become('drifted');
    expect(session.pipeline.limits).toMatchObject({ score_threshold: 0.3 });
    expect(kinds()).toEqual(['policy_action', 'policy_undone']);
  });

  it('does not start with a file that it would refuse', async () => {
    await expect(open('{}')).rejects.toMatchObject({ code: 'GOSHAWK_POLICY_INVALID' });
  });
});
