import type { Role } from '../../contract/fleet/access.ts';
import type {
  HttpAnswer,
  HttpMethod,
  HttpRequest,
  HttpRoute,
  HttpStream,
} from '../../platform/http/route.ts';
import type { Notices } from '../ingest/notices.ts';
import type { Access, Caller } from './access.ts';
import { answerDenial, type Denial, type DenialReason } from './denials.ts';

/** What happens at the gate. */
export interface AccessGateEvents {
  readonly onRefused: (reason: DenialReason) => void;
}

type Answer = HttpAnswer | HttpStream;

/** Stands before every route that is not for everybody: counts and logs whom it does not let in. */
export class AccessGate {
  readonly access: Access;
  readonly #events: AccessGateEvents;
  readonly #notices: Notices;

  constructor(access: Access, events: AccessGateEvents, notices: Notices) {
    this.access = access;
    this.#events = events;
    this.#notices = notices;
  }

  /** A route for callers with a role. */
  route(
    method: HttpMethod,
    path: string,
    role: Role,
    answer: (request: HttpRequest, caller: Caller) => Answer | Promise<Answer>,
  ): HttpRoute {
    return {
      method,
      path,
      answer: async (request) => {
        const caller = await this.access.admit(request, role);
        return 'reason' in caller ? this.refuse(caller, request.address) : answer(request, caller);
      },
    };
  }

  /** The answer to somebody who is not let in. */
  refuse(refusal: Denial, address: string): HttpAnswer {
    const { reason, status } = refusal;
    this.#events.onRefused(reason);
    this.#notices.note(reason, `refused a request from ${address} with ${status} (${reason})`);
    return answerDenial(refusal);
  }
}
