import { join } from 'node:path';
import type { Command } from 'commander';
import {
  describeCandidate,
  describeChecked,
  type EngineCandidate,
  type ReferenceCheck,
} from '../contract/engine-choice.ts';
import { describeError } from '../contract/errors.ts';
import { loadBundle, type Bundle } from '../model/bundle.ts';
import { ModelRepository } from '../model/repository.ts';
import { describeHost } from '../platform/describe-host.ts';
import { checkReferences, planEngine } from '../device/inference/plan-engine.ts';
import { listSupportedProviders, listUsableProviders } from '../device/inference/providers.ts';
import type { BundleFact, ModelPorts, ReferenceFact } from '../tools/doctor/checks/models.ts';
import { doctorReport, examine, formatChecks } from '../tools/doctor/doctor.ts';
import { systemProbe } from '../tools/doctor/checks/probe.ts';
import { printJson } from './kit/report.ts';

/** Two levels above this file, both in src/ and in dist/. */
const HOME = join(import.meta.dirname, '../..');

async function installedBundles(): Promise<BundleFact[]> {
  const listings = await new ModelRepository().list();
  return listings.map((listing) => ({
    name:
      'bundle' in listing
        ? `${listing.bundle.manifest.name} ${listing.bundle.manifest.version}`
        : listing.folder,
    check: async () => {
      if ('error' in listing) throw listing.error;
      await loadBundle(listing.folder);
    },
  }));
}

async function heldReferences(): Promise<ReferenceFact[]> {
  const facts: ReferenceFact[] = [];
  for (const listing of await new ModelRepository().list()) {
    // the check of the bundles reports what is wrong with the others
    if ('bundle' in listing) facts.push(await holdReferences(listing.bundle));
  }
  return facts;
}

async function holdReferences(bundle: Bundle): Promise<ReferenceFact> {
  const name = `${bundle.manifest.name} ${bundle.manifest.version}`;
  try {
    const checks = await checkReferences({ bundle });
    const reported = (verdict: ReferenceCheck['verdict']): EngineCandidate[] =>
      checks.filter(({ check }) => check.verdict === verdict);
    const { candidates, choice } = await planEngine({ bundle });
    const [first] = candidates;
    const taken = first === undefined ? '' : describeCandidate({ ...first, variant: first.variant.id });
    const runs = checks.some(({ check }) => check.verdict !== 'refused');
    return {
      name,
      refused: reported('refused').map(describeChecked),
      unchecked: reported('unchecked').map(describeCandidate),
      choice: runs && taken !== '' ? `${taken} (${choice.why})` : '',
    };
  } catch (error) {
    return { name, refused: [describeError(error)], unchecked: [], choice: '' };
  }
}

const ports: ModelPorts = {
  providers: listSupportedProviders,
  bundles: installedBundles,
  references: heldReferences,
};

function usableProviders(): string[] {
  try {
    return listUsableProviders();
  } catch {
    // The check of the providers reports why.
    return [];
  }
}

/** Adds `goshawk doctor` to the program. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description(
      'check everything that Goshawk depends on and report how to fix it; exit code 1 if something fails',
    )
    .option('--json', 'print the report as JSON')
    .action(async ({ json }: { json?: true }) => {
      const startedAt = new Date();
      const checks = await examine(systemProbe(HOME), ports);
      const report = doctorReport(checks, describeHost(usableProviders()), startedAt);
      if (json === true) printJson(report);
      else console.log(formatChecks(checks));
      if (checks.some(({ status }) => status === 'fail')) process.exitCode = 1;
    });
}
