import { createHash } from 'node:crypto';
import type { MachineFacts, MachineFingerprint } from '../../contract/machine.ts';

/** The facts with a digest over them, which does not depend on the order in which they were put together. Pure. */
export function fingerprintOf(facts: MachineFacts): MachineFingerprint {
  const entries = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...facts, digest: createHash('sha256').update(JSON.stringify(entries)).digest('hex') };
}

/** sha256 of a list of feature flags, which are in alphabetical order. */
export function digestOfFlags(flags: readonly string[]): string {
  return createHash('sha256').update(flags.join(' ')).digest('hex');
}
