import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** Methods that routes may have; HEAD goes with GET. */
export const HTTP_METHODS = ['GET', 'POST', 'PATCH', 'DELETE'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

/** The part of a request that routes see. */
export interface HttpRequest {
  /** of the path, by name */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly method: HttpMethod;
  /** whether only the head of the answer is wanted: its body goes nowhere */
  readonly isHead: boolean;
  /** by lower-case name */
  readonly headers: IncomingHttpHeaders;
  /** of JSON; undefined if there is none */
  readonly body: unknown;
  /** of the client, or of the proxy that it came through and that is not trusted */
  readonly address: string;
}

export interface HttpAnswer {
  /** 200 if absent */
  readonly status?: number;
  /** content type; if absent, that of JSON for an object, and of bytes or plain text otherwise */
  readonly type?: string;
  /** `no-store`: the answer is valid for this moment only */
  readonly cache?: 'no-store';
  readonly headers?: Readonly<Record<string, string>>;
  /** a stream is read as fast as the client takes it, and destroyed if the client goes */
  readonly body: object | string | Uint8Array | Readable;
}

/** Writes its own answer, for as long as it takes. */
export interface HttpStream {
  readonly stream: (response: ServerResponse) => void;
}

/** One path that a server answers to. */
export interface HttpRoute {
  /** GET, and HEAD with it, if absent */
  readonly method?: HttpMethod;
  /** `/live/:camera`: names after a colon are `params` */
  readonly path: string;
  readonly answer: (request: HttpRequest) => HttpAnswer | HttpStream | Promise<HttpAnswer | HttpStream>;
}
