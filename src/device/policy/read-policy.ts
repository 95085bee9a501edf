import { parse } from 'yaml';
import type { z } from 'zod';
import { driftPolicySchema, type DriftPolicy } from '../../contract/drift-policy.ts';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { readRegularFile } from '../../platform/regular-file.ts';

/** A policy of 64 rules is a few kilobytes. */
const MAX_BYTES = 64 << 10;
/** Anchors of YAML that may be expanded: without a bound, a few lines can fill the memory. */
const MAX_ALIASES = 16;
const MAX_TEXT = 300;

/** A policy file's text. @throws GoshawkError GOSHAWK_FILE_UNREADABLE, also for more than 64 KiB */
export async function readPolicyText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readRegularFile(file, MAX_BYTES));
  } catch (error) {
    const details = { file, reason: describeError(error) };
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', details, { cause: error });
  }
}

/**
 * The policy in a text, YAML or JSON.
 * @param file for messages
 * @throws GoshawkError GOSHAWK_POLICY_INVALID
 */
export function parsePolicy(text: string, file: string): DriftPolicy {
  const { data, error } = driftPolicySchema.safeParse(parseYaml(text, file));
  if (data !== undefined) return data;
  throw invalid(file, wordsOf(error.issues[0]));
}

/** JSON is YAML. */
function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { logLevel: 'error', maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw invalid(file, `it is neither YAML nor JSON: ${describeError(error).split('\n')[0] ?? ''}`);
  }
}

/** Of a choice of shapes the complaint of the one that fits best says what is wrong. */
function wordsOf(issue: z.core.$ZodIssue | undefined, parents: readonly PropertyKey[] = []): string {
  const path = [...parents, ...(issue?.path ?? [])];
  const branches = issue?.code === 'invalid_union' ? issue.errors : [];
  const inner = branches.flatMap(([first]) => (first === undefined ? [] : [first]));
  const [best] = inner.toSorted((a, b) => b.path.length - a.path.length);
  if (best !== undefined && best.path.length > 0) return wordsOf(best, path);
  if (inner.length > 0)
    return `${path.join('.')}: must be notify, capture, freeze, set, fallback or safe_mode`;
  return `${path.join('.')}: ${issue?.message ?? 'it is not a policy'}`;
}

function invalid(file: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_POLICY_INVALID', { file, reason: reason.slice(0, MAX_TEXT) });
}
