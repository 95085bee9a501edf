import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { HttpAnswer } from '../../platform/http/route.ts';

/** Why a request is not answered, for metrics and the log. */
export type DenialReason =
  'missing' | 'malformed' | 'unknown' | 'expired' | 'revoked' | 'role' | 'origin' | 'rate' | 'guesses';

/** A request that is refused before it is looked at. */
export interface Denial {
  readonly reason: DenialReason;
  readonly error: GoshawkError;
  readonly status: 401 | 403 | 429;
  /** seconds until it is worth another try */
  readonly retryAfter?: number;
}

/** The words of a wrong token. A wrong secret and an unknown id read the same. */
const WRONG_TOKENS = {
  malformed: 'it is not a token of this fleet',
  unknown: 'the fleet does not know it',
  expired: 'it has expired',
  revoked: 'it was revoked',
} as const;

export type WrongToken = keyof typeof WRONG_TOKENS;

export function refuseToken(reason: WrongToken): Denial {
  const error = new GoshawkError('GOSHAWK_TOKEN_REFUSED', { reason: WRONG_TOKENS[reason] });
  return { reason, error, status: 401 };
}

export function refuseMissing(): Denial {
  return { reason: 'missing', error: new GoshawkError('GOSHAWK_TOKEN_MISSING'), status: 401 };
}

export function refuseRole(role: string, needed: string): Denial {
  return { reason: 'role', error: new GoshawkError('GOSHAWK_ROLE_REFUSED', { role, needed }), status: 403 };
}

export function refuseOrigin(origin: string): Denial {
  return { reason: 'origin', error: new GoshawkError('GOSHAWK_ORIGIN_REFUSED', { origin }), status: 403 };
}

/** @param seconds until the next one is taken */
export function refuseHaste(reason: 'rate' | 'guesses', seconds: number): Denial {
  const retryAfter = Math.ceil(seconds);
  const what = reason === 'rate' ? 'requests' : 'wrong tokens';
  const error = new GoshawkError('GOSHAWK_TOO_MANY_REQUESTS', { what, seconds: retryAfter });
  return { reason, error, status: 429, retryAfter };
}

/** As it is answered. */
export function answerDenial({ error, status, retryAfter }: Denial): HttpAnswer {
  return {
    status,
    cache: 'no-store',
    headers: {
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="goshawk fleet"' } : {}),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: { error: describeError(error) },
  };
}
