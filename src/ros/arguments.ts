/** An argument that sets parameters, in the order given. */
export type ParameterSource =
  | { readonly kind: 'file'; readonly path: string }
  /** `-p [node:]name:=value`; `node` is empty if none was named */
  | { readonly kind: 'rule'; readonly node: string; readonly name: string; readonly value: string };

export interface RosArguments {
  /** what sets parameters, first to last */
  readonly parameters: readonly ParameterSource[];
  /** the arguments for rcl, without those that set parameters */
  readonly forRcl: readonly string[];
  /** what is outside of `--ros-args ... --`, without the program and its script */
  readonly own: readonly string[];
}

const FILE_FLAGS = new Set(['--params-file']);
const RULE_FLAGS = new Set(['-p', '--param']);

/**
 * Splits a command line into what rcl should see and what sets parameters. rclnodejs would hand parameter files to rcl
 * and then match only `/**` and bare node names, so Goshawk reads them itself and rcl never sees them.
 *
 * @param argv as `process.argv`, program and script first
 * @throws Error naming the argument if a flag lacks its value or a rule its `:=`
 */
export function splitRosArguments(argv: readonly string[]): RosArguments {
  const parameters: ParameterSource[] = [];
  const forRcl: string[] = argv.slice(0, 2);
  const own: string[] = [];
  let inside = false;
  for (let i = 2; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--ros-args') inside = true;
    else if (argument === '--' && inside) inside = false;
    else if (inside && (FILE_FLAGS.has(argument) || RULE_FLAGS.has(argument))) {
      const value = argv[++i];
      if (value === undefined) throw new Error(`${argument} needs a value`);
      parameters.push(FILE_FLAGS.has(argument) ? { kind: 'file', path: value } : parseRule(value));
      continue;
    } else if (!inside) own.push(argument);
    forRcl.push(argument);
  }
  return { parameters, forRcl, own };
}

/** `[node:]name:=value`, rcl's syntax of parameter rules. */
function parseRule(rule: string): ParameterSource {
  const at = rule.indexOf(':=');
  if (at <= 0) throw new Error(`-p ${rule}: a parameter rule has the form name:=value`);
  const left = rule.slice(0, at);
  const colon = left.lastIndexOf(':');
  const name = left.slice(colon + 1);
  if (name === '') throw new Error(`-p ${rule}: the parameter's name is empty`);
  return { kind: 'rule', node: colon < 0 ? '' : left.slice(0, colon), name, value: rule.slice(at + 2) };
}
