import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { makeProgram } from '../../src/cli/program.ts';
import { policyText, worse } from '../device/policy/policies.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-policy-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `goshawk drift policy check FILE` prints. */
async function check(file: string, ...more: string[]): Promise<string[]> {
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  try {
    await (
      await makeProgram(['drift'])
    ).parseAsync(['drift', 'policy', 'check', file, ...more], { from: 'user' });
  } finally {
    log.mockRestore();
  }
  return printed;
}

it('describes the example policy, rule by rule', async () => {
  expect(await check(join(import.meta.dirname, '../../launch/params/drift-policy.yaml'))).toEqual([
    '2 rules, at most 12 actions and 3 alternations in an hour',
    'tell: input-changed, drifted, any camera, any cause -> notify',
    'careful: sees-worse, drifted, any camera, any cause, for 10 s -> set, safe_mode',
  ]);
});

it('refuses what a detector would refuse', async () => {
  const file = join(folder, 'bad.yaml');
  writeFileSync(file, 'rules: []');
  await expect(check(file)).rejects.toMatchObject({ code: 'GOSHAWK_POLICY_INVALID' });
});

it.each([
  ['goshawk-street-pruned', null],
  ['goshawk-street', 'GOSHAWK_SWAP_SAME'],
  ['no-such-bundle', 'GOSHAWK_BUNDLE_NOT_FOUND'],
])('opens the bundle that a rule falls back to: %s', async (bundle, code) => {
  const file = join(folder, 'fallback.yaml');
  writeFileSync(file, policyText([worse({ fallback: { bundle } })]));
  const checking = check(file, '--bundle', 'goshawk-street');
  if (code === null) expect((await checking).at(-1)).toMatch(/-> fallback$/);
  else await expect(checking).rejects.toMatchObject({ code });
});
