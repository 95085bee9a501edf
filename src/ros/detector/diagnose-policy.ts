import type { Status } from '../../contract/status.ts';
import type { DiagnosticStatus } from '../diagnostics.ts';

type PolicyStatus = Pick<NonNullable<Status['policy']>, 'rules' | 'active'>;

/** What a policy does about drift now. What is wrong with it is among the complaints of the node. */
export function diagnosePolicy({ rules, active }: PolicyStatus): DiagnosticStatus {
  const inForce = active.map(
    ({ rule, camera, actions }) => [`${rule} ${camera}`, actions.join(', ') || 'no action'] as const,
  );
  return {
    name: 'drift policy',
    level: active.length === 0 ? 'ok' : 'warn',
    message:
      active.length === 0
        ? 'no rule is in force'
        : `in force: ${active.map(({ rule, camera }) => `${rule} for ${camera}`).join(', ')}`,
    values: { rules, ...Object.fromEntries(inForce) },
  };
}
