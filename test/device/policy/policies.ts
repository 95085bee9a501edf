/** A policy of one or more rules, as JSON. */
export function policyText(rules: readonly object[], more: object = {}): string {
  return JSON.stringify({ schema: 'goshawk.drift-policy/1', ...more, rules });
}

/** A rule that may act. */
export function worse(...actions: readonly unknown[]): object {
  return { name: 'careful', when: { verdict: 'sees-worse' }, do: actions };
}

/** A rule that acts on a changed input. */
export function changed(...actions: readonly unknown[]): object {
  return { name: 'changed', when: { verdict: 'input-changed' }, do: actions, allow_on_input_change: true };
}
