import type { z } from 'zod';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { FailureStatus } from '../../contract/fleet/operations.ts';
import type { HttpAnswer } from '../../platform/http/route.ts';

/** An answer that says what is wrong with a request. */
export function refusal(status: FailureStatus, error: GoshawkError): HttpAnswer {
  return { status, cache: 'no-store', body: { error: describeError(error) } };
}

export function refuseUnknown(robot: string): HttpAnswer {
  return refusal(404, new GoshawkError('GOSHAWK_ROBOT_UNKNOWN', { robot }));
}

/** @param values what was given, by name */
export function refuseInvalid(
  issue: z.core.$ZodIssue,
  values: Readonly<Record<string, unknown>>,
): HttpAnswer {
  const name = String(issue.path[0] ?? '');
  const value = (JSON.stringify(values[name]) ?? 'nothing').slice(0, 100);
  return refusal(
    400,
    name === ''
      ? new GoshawkError('GOSHAWK_REQUEST_INVALID', { reason: issue.message })
      : new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name, value, reason: issue.message }),
  );
}

/** The answer to a question that was refused while it was worked on. @throws anything else that went wrong */
export function refuseAsked(error: unknown): HttpAnswer {
  if (!(error instanceof GoshawkError)) throw error;
  if (error.code === 'GOSHAWK_PARAMETER_INVALID') return refusal(400, error);
  if (error.code !== 'GOSHAWK_FLEET_BUSY') throw error;
  return { ...refusal(503, error), headers: { 'retry-after': String(error.details['seconds']) } };
}
