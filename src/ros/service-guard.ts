import { describeError } from '../contract/errors.ts';
import { runMicrotasksSoon } from './event-loop.ts';
import type { Log } from './log.ts';
import type { RosNode } from './rcl.ts';

interface ServiceResponse {
  readonly sent: boolean;
  readonly template: object;
  send(response: object): void;
}
interface ServiceInternals {
  _callback: (request: { parameters?: readonly unknown[] }, response: ServiceResponse) => unknown;
}

/**
 * Makes the services that rclnodejs starts by itself answer every request. A request that they cannot handle (such as a
 * parameter value that contradicts its type) throws inside rclnodejs, and the caller would wait forever.
 */
export function guardServices(node: RosNode, log: Log): void {
  const { _services: services } = node as unknown as { readonly _services: readonly ServiceInternals[] };
  for (const service of services) {
    const answer = service._callback;
    service._callback = (request, response) => {
      runMicrotasksSoon();
      try {
        return answer(request, response);
      } catch (error) {
        const reason = describeError(error);
        log.warn(`refused a service request: ${reason}`);
        if (!response.sent) response.send(refusal(request, response.template, reason));
        return undefined;
      }
    };
  }
}

/** Responses of `set_parameters` and `set_parameters_atomically` have a field for the reason; others are sent empty. */
function refusal(request: { parameters?: readonly unknown[] }, template: object, reason: string): object {
  const result = { successful: false, reason };
  if ('results' in template) return { ...template, results: (request.parameters ?? []).map(() => result) };
  if ('result' in template && request.parameters !== undefined) return { ...template, result };
  return template;
}
