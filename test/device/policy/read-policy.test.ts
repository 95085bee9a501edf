import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePolicy, readPolicyText } from '../../../src/device/policy/read-policy.ts';
import { policyText, worse } from './policies.ts';

describe('a policy file', () => {
  it('may be YAML or JSON, and has stated defaults', () => {
    const yaml = [
      'schema: goshawk.drift-policy/1',
      'rules:',
      '  - name: careful',
      '    when: { verdict: sees-worse }',
      '    do: [notify, { set: { score_threshold: 0.5 } }]',
    ].join('\n');
    const parsed = parsePolicy(yaml, 'policy.yaml');
    expect(parsed).toEqual(
      parsePolicy(policyText([worse('notify', { set: { score_threshold: 0.5 } })]), 'policy.json'),
    );
    expect(parsed.limits).toEqual({ actions_per_hour: 12, alternations_per_hour: 3 });
    expect(parsed.rules[0]?.when).toEqual({
      verdict: 'sees-worse',
      state: 'drifted',
      min_confidence: 0,
      for_s: 0,
    });
  });

  const input = { name: 'a', when: { verdict: 'input-changed' } };
  it.each([
    ['no schema', '{"rules": []}', /schema/],
    ['nothing', '', /expected object/],
    ['no YAML', '{]', /neither YAML nor JSON/],
    ['an unknown key', policyText([], { limit: {} }), /Unrecognized key: "limit"/],
    [
      'an unknown key of a condition',
      policyText([{ ...worse('notify'), when: { verdict: 'sees-worse', if: 1 } }]),
      /rules\.0\.when.*"if"/,
    ],
    [
      'a cause that there is not',
      policyText([{ ...worse('notify'), when: { verdict: 'sees-worse', cause: 'darkk' } }]),
      /rules\.0\.when\.cause.*"dark"/,
    ],
    [
      'a cause of seeing worse for a changed input',
      policyText([
        { name: 'a', when: { verdict: 'input-changed', cause: 'model_degraded' }, do: ['notify'] },
      ]),
      /rules\.0\.when\.cause: model_degraded is a cause of sees-worse alone/,
    ],
    ['an unknown action', policyText([worse('explode')]), /rules\.0\.do\.0: must be notify/],
    ['an unknown limit', policyText([worse({ set: { score: 0.5 } })]), /rules\.0\.do\.0\.set.*"score"/],
    [
      'a limit out of range',
      policyText([worse({ set: { score_threshold: 2 } })]),
      /rules\.0\.do\.0\.set\.score_threshold/,
    ],
    ['no limit', policyText([worse({ set: {} })]), /set must name a limit/],
    [
      'a topic that is none',
      policyText([worse({ safe_mode: { topic: 'a b', message: 'x' } })]),
      /name of a ROS topic/,
    ],
    ['an action twice', policyText([worse('notify', 'notify')]), /same action twice/],
    [
      'a rule that could never begin',
      policyText([worse('freeze', { set: { max_detections: 5 } })], { limits: { actions_per_hour: 1 } }),
      /more actions than actions_per_hour/,
    ],
    ['a name twice', policyText([worse('notify'), worse('capture')]), /two rules have one name/],
    [
      'an action for a changed input',
      policyText([{ ...input, do: ['notify', 'freeze'] }]),
      /allow_on_input_change: true/,
    ],
    ['bombs of aliases', `a: &a [1,1]\nb: &b [${'*a,'.repeat(9)}*a]\nc: [${'*b,'.repeat(9)}*b]`, /alias/],
    [
      'too many rules',
      policyText(Array.from({ length: 65 }, (_, i) => ({ ...worse('notify'), name: `r${String(i)}` }))),
      /64/,
    ],
  ])('is refused with %s, in words', (_words, text, reason) => {
    expect(() => parsePolicy(text, 'policy.yaml')).toThrowError(
      expect.objectContaining({
        code: 'GOSHAWK_POLICY_INVALID',
        message: expect.stringMatching(reason) as string,
      }),
    );
  });

  it('allows reports on a changed input, and actions where somebody insists', () => {
    expect(parsePolicy(policyText([{ ...input, do: ['notify', 'capture'] }]), 'f').rules).toHaveLength(1);
    expect(
      parsePolicy(policyText([{ ...input, do: ['freeze'], allow_on_input_change: true }]), 'f').rules,
    ).toHaveLength(1);
  });
});

describe('reading a policy file', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-policy-'));
    writeFileSync(file('large'), ' '.repeat((64 << 10) + 1));
    writeFileSync(file('binary'), Uint8Array.of(0xff, 0xfe, 0xfd));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['missing', /ENOENT/],
    ['large', /65536 at most/],
    ['binary', /not valid/],
    ['.', /not a regular file/],
  ])('%s is refused', async (name, reason) => {
    await expect(readPolicyText(file(name))).rejects.toMatchObject({
      code: 'GOSHAWK_FILE_UNREADABLE',
      message: expect.stringMatching(reason) as string,
    });
  });
});
