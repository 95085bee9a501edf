import type { ServerResponse } from 'node:http';

/** The part of a request that routes see. */
export interface HttpRequest {
  /** of the path, by name */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
}

export interface HttpAnswer {
  /** 200 if absent */
  readonly status?: number;
  /** content type; if absent, that of JSON for an object, and of bytes or plain text otherwise */
  readonly type?: string;
  /** `no-store`: the answer is valid for this moment only */
  readonly cache?: 'no-store';
  readonly body: object | string | Uint8Array;
}

/** Writes its own answer, for as long as it takes. */
export interface HttpStream {
  readonly stream: (response: ServerResponse) => void;
}

/** One path that a server answers to GET and HEAD. */
export interface HttpRoute {
  /** `/live/:camera`: names after a colon are `params` */
  readonly path: string;
  readonly answer: (request: HttpRequest) => HttpAnswer | HttpStream | Promise<HttpAnswer>;
}
