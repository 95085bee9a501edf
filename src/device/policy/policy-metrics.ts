import type { Status } from '../../contract/status.ts';
import { ReadMetrics, type MetricFamily, type Sample } from '../metrics/read-metrics.ts';

interface PolicyStatus extends NonNullable<Status['policy']> {
  /** by action */
  readonly failures: ReadonlyMap<string, number>;
}

const FAMILIES: readonly MetricFamily<PolicyStatus>[] = [
  {
    name: 'goshawk_policy_rule_active',
    help: 'Rules of the drift policy that are in force.',
    kind: 'gauge',
    labels: ['rule', 'camera'],
    samples: ({ active }) => active.map(({ rule, camera }): Sample => [{ rule, camera }, 1]),
  },
  {
    name: 'goshawk_policy_actions_total',
    help: 'Actions of the drift policy that began.',
    kind: 'counter',
    labels: ['action'],
    samples: ({ done }) => Object.entries(done).map(([action, count]): Sample => [{ action }, count]),
  },
  {
    name: 'goshawk_policy_failures_total',
    help: 'Actions of the drift policy that could not be carried out; one that fails again as before counts once.',
    kind: 'counter',
    labels: ['action'],
    samples: ({ failures }) => [...failures].map(([action, count]): Sample => [{ action }, count]),
  },
  {
    name: 'goshawk_policy_stopped',
    help: 'Whether the dead-man rule stopped the drift policy: 1 or 0.',
    kind: 'gauge',
    labels: [],
    samples: ({ stopped }): Sample[] => [[{}, stopped === null ? 0 : 1]],
  },
  {
    name: 'goshawk_policy_refused',
    help: 'Whether the newest drift policy was refused, and an earlier one is in force: 1 or 0.',
    kind: 'gauge',
    labels: [],
    samples: ({ refused }): Sample[] => [[{}, refused === null ? 0 : 1]],
  },
];

/** What the policy does, as metrics. */
export function policyMetrics(read: () => PolicyStatus): ReadMetrics<PolicyStatus> {
  return new ReadMetrics(FAMILIES, read);
}
