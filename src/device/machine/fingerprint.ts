import type { MachineFacts, MachineFingerprint } from '../../contract/machine.ts';
import { sha256Of } from '../../platform/digest.ts';

/** The facts with their digest, which does not depend on their order. Pure. */
export function fingerprintOf(facts: MachineFacts): MachineFingerprint {
  const entries = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...facts, digest: sha256Of(JSON.stringify(entries)) };
}

/** sha256 of a sorted list of feature flags. */
export function digestOfFlags(flags: readonly string[]): string {
  return sha256Of(flags.join(' '));
}
