import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyEngine, type PolicyStep } from '../../../src/core/drift/policy/policy-engine.ts';
import type { DriftJudgement, RuleSpec } from '../../../src/core/drift/policy/rules.ts';
import { DRIFT_STATES, type DriftState } from '../../../src/core/drift/window-verdict.ts';

const LIMITS = { actions_per_hour: 12, alternations_per_hour: 3 };
const SECOND = 1000;

interface RuleChange extends Partial<Omit<RuleSpec, 'when'>> {
  readonly when?: Partial<RuleSpec['when']>;
}

function rule({ when, ...rest }: RuleChange = {}): RuleSpec {
  const condition = {
    verdict: 'input-changed',
    state: 'drifted',
    min_confidence: 0,
    for_s: 0,
    ...when,
  } as const;
  return { name: 'one', sticky: false, acts: 1, holdMs: 0, ...rest, when: condition };
}

function judged(state: DriftState, change: Partial<DriftJudgement> = {}): DriftJudgement[] {
  return [{ verdict: 'input-changed', camera: 'front', state, cause: 'dark', confidence: 1, ...change }];
}

const wordsOf = (steps: readonly PolicyStep<RuleSpec>[]): string[] =>
  steps.map((step) =>
    step.kind === 'stop' ? 'stop' : `${step.kind} ${step.what.rule.name} ${step.what.camera}`,
  );

/** What happens as states come, one a second. */
function run(rules: readonly RuleSpec[], states: readonly (DriftState | null)[], limits = LIMITS): string[] {
  const engine = new PolicyEngine(rules, limits);
  return states.flatMap((state, i) =>
    wordsOf(engine.look(state === null ? [] : judged(state), i * SECOND)).map(
      (words) => `${String(i)}: ${words}`,
    ),
  );
}

describe('PolicyEngine', () => {
  it('begins with the state and ends when all is well, not before', () => {
    const states: DriftState[] = [
      'ok',
      'suspect',
      'drifted',
      'drifted',
      'recovering',
      'drifted',
      'recovering',
      'ok',
    ];
    expect(run([rule()], states)).toEqual(['2: do one front', '7: undo one front']);
  });

  it('takes suspect as fulfilled by drifted, and not by recovering', () => {
    const states: DriftState[] = ['recovering', 'drifted', 'ok'];
    expect(run([rule({ when: { state: 'suspect' } })], states)).toEqual([
      '1: do one front',
      '2: undo one front',
    ]);
  });

  it('waits for as long as it is told, without a break', () => {
    const states: DriftState[] = ['drifted', 'drifted', 'recovering', 'drifted', 'drifted', 'drifted'];
    expect(run([rule({ when: { for_s: 2 } })], states)).toEqual(['5: do one front']);
  });

  it.each([
    ['another camera', { when: { camera: 'rear' } }],
    ['another cause', { when: { cause: 'fog' } }],
    ['another verdict', { when: { verdict: 'sees-worse' } }],
    ['more confidence', { when: { min_confidence: 1 } }],
  ] as const)('leaves alone what is of %s', (_words, change) => {
    const engine = new PolicyEngine([rule(change)], LIMITS);
    expect(engine.look(judged('drifted', { confidence: 0.99 }), 0)).toEqual([]);
  });

  it('keeps what is sticky, and undoes it with everything else', () => {
    const engine = new PolicyEngine([rule({ sticky: true }), rule({ name: 'two' })], LIMITS);
    engine.look(judged('drifted'), 0);
    expect(wordsOf(engine.look(judged('ok'), SECOND))).toEqual(['undo two front']);
    expect(wordsOf(engine.undoAll())).toEqual(['undo one front']);
    expect(engine.active).toEqual([]);
  });

  it('keeps a rule while nothing is known, unless it may have caused that', () => {
    const states: (DriftState | null)[] = ['drifted', null, null, null, null];
    expect(run([rule()], states)).toEqual(['0: do one front']);
    expect(run([rule({ holdMs: 2 * SECOND })], states)).toEqual(['0: do one front', '3: undo one front']);
  });

  it('ends a rule a minute after its camera fell silent, and not that of another one or a sticky one', () => {
    const engine = new PolicyEngine([rule(), rule({ name: 'stays', sticky: true })], LIMITS);
    const rear = judged('drifted', { camera: 'rear' });
    engine.look([...judged('drifted'), ...rear], 0);
    const looks = [1, 30, 31, 61, 91].map((nowS) =>
      wordsOf(engine.look(rear, nowS * SECOND, nowS === 30 ? [] : ['front'])),
    );
    expect(looks).toEqual([[], [], [], [], ['undo one front']]);
    expect(engine.active.map((one) => `${one.rule.name} ${one.camera}`)).toEqual([
      ...['one rear', 'stays front', 'stays rear'],
    ]);
  });

  it('stops a loop: undoes everything, the newest first, says so once and does nothing more', () => {
    const limits = { ...LIMITS, alternations_per_hour: 1 };
    const rules = [rule({ name: 'stays', sticky: true }), rule({ name: 'loops' })];
    const states: DriftState[] = ['drifted', 'ok', 'drifted', 'ok', 'drifted', 'ok', 'drifted'];
    expect(run(rules, states, limits).slice(-3)).toEqual([
      '3: undo loops front',
      '4: undo stays front',
      '4: stop',
    ]);
  });

  it('stops after too many actions in an hour, and not after as many in two', () => {
    const twice = (gapMs: number): PolicyEngine<RuleSpec> => {
      const engine = new PolicyEngine([rule({ acts: 2 })], { ...LIMITS, actions_per_hour: 3 });
      for (const [i, state] of (['drifted', 'ok', 'drifted'] as const).entries())
        engine.look(judged(state), i * gapMs);
      return engine;
    };
    expect(twice(SECOND).stopped).toMatch(/3 actions/);
    expect(twice(3_600_000).stopped).toBeNull();
  });

  it('counts what is done for several cameras at a time once', () => {
    const engine = new PolicyEngine([rule({ acts: 2 })], { ...LIMITS, actions_per_hour: 3 });
    const cameras = ['front', 'rear', 'left', 'right'];
    const all = (state: DriftState): DriftJudgement[] =>
      cameras.flatMap((camera) => judged(state, { camera }));
    expect(wordsOf(engine.look(all('drifted'), 0))).toEqual(cameras.map((camera) => `do one ${camera}`));
    engine.look(all('ok'), SECOND);
    engine.look(all('drifted'), 2 * SECOND);
    expect(engine.stopped).toMatch(/3 actions/);
  });

  /**
   * A camera whose configured bundle is judged to drift a minute after it runs, for as long as the cause lasts; nothing
   * is known while the rule is in force.
   * @returns seconds for which the rule was in force each time
   */
  function lasting(engine: PolicyEngine<RuleSpec>, causeUntilS: number, untilS: number): number[] {
    const stays: number[] = [];
    let [sinceS, beganS] = [0, 0];
    for (let nowS = 0; nowS <= untilS; nowS += 10) {
      const isKnown = engine.active.length === 0;
      const hasDrifted = nowS < causeUntilS && nowS - sinceS >= 60;
      for (const { kind } of engine.look(
        isKnown ? judged(hasDrifted ? 'drifted' : 'ok') : [],
        nowS * SECOND,
      )) {
        if (kind === 'do') beganS = nowS;
        if (kind === 'undo') stays.push(nowS - beganS - 10);
        if (kind === 'undo') sinceS = nowS;
      }
    }
    return stays;
  }

  it('tries the configured state again, twice as long after each try that failed, and is not stopped', () => {
    const engine = new PolicyEngine([rule({ acts: 3, holdMs: 600 * SECOND })], LIMITS);
    const hours = 3600;
    expect(lasting(engine, 10 * hours, 24 * hours)).toEqual([600, 1200, 2400, 4800, 9600, 19_200]);
    expect(engine.stopped).toBeNull();
  });

  it('waits for a day at most, and as long as at first once a try succeeded', () => {
    const day = 86_400;
    const engine = new PolicyEngine([rule({ holdMs: 30_000 * SECOND })], LIMITS);
    expect(lasting(engine, 4 * day, 6 * day)).toEqual([30_000, 60_000, day, day, day]);
    expect(wordsOf(engine.look(judged('drifted'), 7 * day * SECOND))).toEqual(['do one front']);
    expect(engine.active[0]?.holdMs).toBe(30_000 * SECOND);
    expect(engine.stopped).toBeNull();
  });

  it('counts tries of a rule for all of its cameras together', () => {
    const engine = new PolicyEngine([rule({ holdMs: 100 * SECOND })], {
      ...LIMITS,
      alternations_per_hour: 0,
    });
    const waits = ['front', 'rear', 'left'].map((camera, i) => {
      engine.look(judged('drifted', { camera }), 1000 * i * SECOND);
      const wait = engine.active[0]?.holdMs;
      engine.look([], (1000 * i + 1) * SECOND);
      engine.look([], (1000 * i + 900) * SECOND);
      return wait;
    });
    expect(waits).toEqual([100 * SECOND, 200 * SECOND, 400 * SECOND]);
    expect(engine.active).toEqual([]);
  });

  it('skips reports that are too many, and stops nothing', () => {
    const states = Array.from({ length: 10 }, (_, i): DriftState => (i % 2 === 0 ? 'drifted' : 'ok'));
    const said = run([rule({ acts: 0 })], states, { actions_per_hour: 2, alternations_per_hour: 0 });
    expect(said).toEqual([
      '0: do one front',
      '1: undo one front',
      '2: do one front',
      '3: undo one front',
      '4: skip one front',
      '6: skip one front',
      '8: skip one front',
    ]);
  });

  it('never acts more often than allowed, undoes only what it did, and nothing follows a stop', () => {
    const look = fc.record({
      state: fc.constantFrom(...DRIFT_STATES, null),
      camera: fc.constantFrom('front', 'rear'),
      afterS: fc.integer({ min: 1, max: 900 }),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (looks, most) => {
        const rules = [
          rule(),
          rule({ name: 'two', sticky: true, acts: 2 }),
          rule({ name: 'three', holdMs: 5 * SECOND }),
        ];
        const engine = new PolicyEngine(rules, { actions_per_hour: most, alternations_per_hour: 2 });
        const active = new Set<string>();
        const times: number[] = [];
        let nowMs = 0;
        let isStopped = false;
        for (const { state, camera, afterS } of looks) {
          nowMs += afterS * SECOND;
          for (const step of engine.look(state === null ? [] : judged(state, { camera }), nowMs)) {
            expect(isStopped).toBe(false);
            if (step.kind === 'stop') {
              isStopped = true;
              expect(active.size).toBe(0);
              continue;
            }
            const key = `${step.what.rule.name} ${step.what.camera}`;
            if (step.kind === 'undo') expect(active.delete(key)).toBe(true);
            if (step.kind !== 'do') continue;
            expect(active.has(key)).toBe(false);
            const isNew = ![...active].some((one) => one.startsWith(`${step.what.rule.name} `));
            active.add(key);
            const isTry = step.what.holdMs > step.what.rule.holdMs;
            if (!isNew || isTry) continue;
            for (let i = 0; i < step.what.rule.acts; i += 1) times.push(nowMs);
          }
          expect(times.filter((time) => nowMs - time < 3_600_000).length).toBeLessThanOrEqual(most);
          expect(engine.active.map((one) => `${one.rule.name} ${one.camera}`).sort()).toEqual(
            [...active].sort(),
          );
        }
      }),
    );
  });
});
