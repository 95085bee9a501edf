import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { Role } from '../../contract/fleet/access.ts';
import { FLEET_OPERATIONS, type OperationName } from '../../contract/fleet/operations.ts';
import { HTTP_METHODS, type HttpAnswer, type HttpRoute, type HttpStream } from '../../platform/http/route.ts';
import type { Caller } from '../access/access.ts';
import type { AccessGate } from '../access/access-gate.ts';
import { refuseInvalid } from './refusal.ts';

type Operations = typeof FLEET_OPERATIONS;
/** Operations that need a role. */
export type GuardedName = {
  [N in OperationName]: Operations[N]['role'] extends Role ? N : never;
}[OperationName];
type Infer<Schema> = Schema extends z.ZodType ? z.infer<Schema> : null;

/** A request that was let in and follows the schemas of its operation. */
export interface OperationRequest<N extends OperationName> {
  readonly params: Infer<Operations[N]['params']>;
  readonly query: Infer<Operations[N]['query']>;
  readonly body: Infer<Operations[N]['body']>;
  readonly headers: IncomingHttpHeaders;
  /** whether only the head of the answer is wanted */
  readonly isHead: boolean;
  readonly caller: Caller;
}

/** The route of an operation, which sees only requests that it may answer. */
export function operationRoute<N extends GuardedName>(
  gate: AccessGate,
  name: N,
  answer: (asked: OperationRequest<N>) => HttpAnswer | HttpStream | Promise<HttpAnswer | HttpStream>,
): HttpRoute {
  const { role, params, query, body } = FLEET_OPERATIONS[name];
  const [verb = '', path = ''] = name.split(' ');
  const method = HTTP_METHODS.find((one) => one === verb) ?? 'GET';
  return gate.route(method, routePath(path), role, (request, caller) => {
    const checked = [
      params.safeParse(request.params),
      query.safeParse(request.query),
      body === null ? null : body.safeParse(request.body),
    ] as const;
    const wrong = checked.find((one) => one?.error !== undefined)?.error?.issues[0];
    if (wrong !== undefined)
      return refuseInvalid(wrong, { ...request.params, ...request.query, ...(request.body as object) });
    const [{ data: ofPath }, { data: ofQuery }, ofBody] = checked;
    const asked = {
      params: ofPath,
      query: ofQuery,
      body: ofBody?.data ?? null,
      headers: request.headers,
      isHead: request.isHead,
      caller,
    };
    return answer(asked as unknown as OperationRequest<N>);
  });
}

/** A path of OpenAPI as routes have it. */
export function routePath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
