import type { Command } from 'commander';
import { nameOfAction, type DriftPolicy } from '../contract/drift-policy.ts';
import { GoshawkError } from '../contract/errors.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import { checkSameLabels } from '../device/pipeline/check-labels.ts';
import { parsePolicy, readPolicyText } from '../device/policy/read-policy.ts';
import type { Bundle } from '../model/bundle.ts';

/** One line for each rule. */
function linesOf({ rules, limits }: DriftPolicy): string[] {
  const bounds = `${limits.actions_per_hour} actions and ${limits.alternations_per_hour} alternations in an hour`;
  return [
    `${rules.length} rules, at most ${bounds}`,
    ...rules.map(({ name, when, do: actions, sticky }) => {
      const { verdict, state, camera = 'any camera', cause = 'any cause', for_s: seconds } = when;
      const condition = [verdict, state, camera, cause, ...(seconds > 0 ? [`for ${seconds} s`] : [])];
      return `${name}: ${condition.join(', ')} -> ${actions.map(nameOfAction).join(', ')}${sticky ? ' (sticky)' : ''}`;
    }),
  ];
}

/** Opens the bundles that rules fall back to. @throws GoshawkError of the first that cannot take over */
async function checkFallbacks({ rules }: DriftPolicy, configured: string): Promise<void> {
  const open = (name: string): Promise<Bundle> => openBundle(name, (line) => console.error(line));
  const { manifest, digest } = await open(configured);
  for (const action of rules.flatMap((rule) => rule.do)) {
    if (typeof action === 'string' || !('fallback' in action)) continue;
    const other = await open(action.fallback.bundle);
    checkSameLabels(manifest.labels, other.manifest.labels);
    if (other.digest === digest)
      throw new GoshawkError('GOSHAWK_SWAP_SAME', { bundle: action.fallback.bundle });
  }
}

async function check(file: string, { bundle }: { readonly bundle?: string }): Promise<void> {
  const policy = parsePolicy(await readPolicyText(file), file);
  if (bundle !== undefined) await checkFallbacks(policy, bundle);
  for (const line of linesOf(policy)) console.log(line);
}

/** Adds `goshawk drift policy check`. */
export function registerDriftPolicy(drift: Command): void {
  drift
    .command('policy')
    .description('policies that say what to do about drift (docs/policy.md)')
    .command('check')
    .description('check a policy file; exits with 1 if a detector would refuse it')
    .argument('<file>', 'YAML or JSON')
    .option('--bundle <name|path>', 'the configured model: also open the bundles that rules fall back to')
    .action(check);
}
