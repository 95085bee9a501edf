import { describeError, GoshawkError } from '../../contract/errors.ts';
import { loginSchema, type SessionInfo } from '../../contract/fleet/access.ts';
import type { HttpAnswer, HttpRequest, HttpRoute } from '../../platform/http/route.ts';
import type { Caller } from './access.ts';
import { dropCookie, isForeign, setCookie } from './credentials.ts';
import type { AccessGate } from './access-gate.ts';
import { refuseOrigin } from './denials.ts';

const PATH = '/api/v1/session';

/** How the page logs in: it sends a token once, and from then on the browser sends it as a cookie. */
export function sessionRoutes(gate: AccessGate): readonly HttpRoute[] {
  return [
    gate.route('GET', PATH, 'viewer', (_request, caller) => ({ body: sessionOf(caller), cache: 'no-store' })),
    { method: 'POST', path: PATH, answer: (request) => logIn(gate, request) },
    {
      method: 'DELETE',
      path: PATH,
      // without a token: whoever is logged in with a wrong one wants to be rid of it
      answer: (request) =>
        refuseForeign(gate, request) ?? { status: 200, headers: { 'set-cookie': dropCookie() }, body: {} },
    },
  ];
}

async function logIn(gate: AccessGate, request: HttpRequest): Promise<HttpAnswer> {
  const foreign = refuseForeign(gate, request);
  if (foreign !== null) return foreign;
  const login = loginSchema.safeParse(request.body);
  if (!login.success) {
    const reason = 'the body must be {"token": "..."} in JSON';
    return {
      status: 400,
      body: { error: describeError(new GoshawkError('GOSHAWK_REQUEST_INVALID', { reason })) },
    };
  }
  const caller = await gate.access.identify(login.data.token, request.address);
  if ('reason' in caller) return gate.refuse(caller, request.address);
  const isSecure = request.headers['x-forwarded-proto'] === 'https';
  const headers = { 'set-cookie': setCookie(login.data.token, isSecure) };
  return { body: sessionOf(caller), headers, cache: 'no-store' };
}

function refuseForeign(gate: AccessGate, request: HttpRequest): HttpAnswer | null {
  if (!isForeign(request)) return null;
  return gate.refuse(refuseOrigin(request.headers.origin?.slice(0, 100) ?? ''), request.address);
}

function sessionOf({ token, role }: Caller): SessionInfo {
  return { name: token?.name ?? null, role };
}
