import { describeError } from '../../../contract/errors.ts';
import { PROVIDER_TABLE, type ProviderName } from '../../../contract/providers.ts';
import { fail, ok, warn, type Finding } from './finding.ts';
import type { Probe } from './probe.ts';

/** An execution provider of the inference library, and why it cannot be used, if so. */
export interface ProviderFact {
  readonly provider: ProviderName;
  readonly available: boolean;
  readonly reason: string;
}

/** A bundle of the repository. `check` reads all its files and throws a coded error for a wrong digest. */
export interface BundleFact {
  readonly name: string;
  check(): Promise<void>;
}

/** The reference checks of a bundle's variants, and which of them runs on this machine. */
export interface ReferenceFact {
  readonly name: string;
  /** variants that fail the reference check, with their deviations */
  readonly refused: readonly string[];
  /** variants that cannot be checked here */
  readonly unchecked: readonly string[];
  /** the variant that runs, and why; empty if none does */
  readonly choice: string;
}

/** What the doctor needs from other rooms. */
export interface ModelPorts {
  providers(): readonly ProviderFact[];
  bundles(): Promise<readonly BundleFact[]>;
  references(): Promise<readonly ReferenceFact[]>;
}

const isJetson = (probe: Probe): boolean =>
  probe.exists('/etc/nv_tegra_release') ||
  (probe.readText('/proc/device-tree/compatible') ?? '').includes('nvidia,tegra');

/** Checks that the inference library loads, and that it uses the GPU of a machine that has one. */
export function checkProviders(probe: Probe, ports: ModelPorts): Finding {
  const facts = ports.providers();
  const usable = facts.filter(({ available }) => available).map(({ provider }) => provider);
  const refused = facts
    .filter(({ available }) => !available)
    .map(({ provider, reason }) => `${provider}: ${reason}`);
  if (usable.length === 0) {
    return fail(`ONNX Runtime offers no execution provider (${refused.join('; ')})`, 'npm ci');
  }
  if (isJetson(probe) && usable.every((provider) => PROVIDER_TABLE[provider].device === 'cpu')) {
    return warn(
      `only the CPU is used on this Jetson (${refused.join('; ')})`,
      'build ONNX Runtime with TensorRT: docs/jetson.md',
    );
  }
  const without = refused.length === 0 ? '' : `; not ${refused.join(', not ')}`;
  return ok(`ONNX Runtime with ${usable.join(', ')}${without}`);
}

/** Checks that the model repository has a bundle, and that every bundle matches its manifest. */
export async function checkBundles(ports: ModelPorts): Promise<Finding> {
  const bundles = await ports.bundles();
  if (bundles.length === 0) {
    return fail(
      'there is no bundle',
      'goshawk models import FILE (or fetch models/ of this repository again)',
    );
  }
  const faults: string[] = [];
  for (const bundle of bundles) {
    await bundle.check().catch((error: unknown) => faults.push(describeError(error)));
  }
  if (faults.length > 0) return fail(faults.join('; '), 'restore the bundle, or remove it');
  return ok(`${bundles.map(({ name }) => name).join(', ')}: every digest matches`);
}

/** Checks that this machine reproduces what was evaluated, and reports which variant of each bundle runs. */
export async function checkModelReferences(ports: ModelPorts): Promise<Finding> {
  const facts = await ports.references();
  const hopeless = facts.filter(({ choice }) => choice === '');
  const worse = facts.filter(({ refused }) => refused.length > 0);
  const reported = facts.map(({ name, refused, unchecked, choice }) => {
    const parts = [
      choice === '' ? 'no variant can be run' : choice,
      ...(refused.length === 0 ? [] : [`refused: ${refused.join('; ')}`]),
      ...(unchecked.length === 0 ? [] : [`unchecked: ${unchecked.join(', ')}`]),
    ];
    return `${name}: ${parts.join('; ')}`;
  });
  const finding = reported.length === 0 ? 'there is no bundle' : reported.join(' | ');
  const fix = 'make variants for this machine (goshawk optimize); rebuild engines on this machine';
  if (hopeless.length > 0) return fail(finding, fix);
  return worse.length > 0 ? warn(finding, fix) : ok(finding);
}
