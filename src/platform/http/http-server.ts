import { isIP } from 'node:net';
import { hostname } from 'node:os';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { AllowedHosts } from './allowed-hosts.ts';
import type { InlinePage } from './inline-page.ts';
import { HTTP_METHODS, type HttpRequest, type HttpRoute } from './route.ts';
import { securityHeaders } from './security-headers.ts';

/** The operator's names for the settings of a server, for errors. */
export interface HttpSettingNames {
  readonly address: string;
  readonly port: string;
  readonly allowedHosts: string;
  /** only of a server that may stand behind proxies */
  readonly trustedProxies?: string;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0 for a free one */
  readonly port: number;
  /**
   * names that the server answers to besides those of the loopback address, its own address and, if that is reachable
   * from a network, this machine's name
   */
  readonly allowedHosts: readonly string[];
  /**
   * addresses or networks (`10.0.0.0/8`) of proxies: who comes through one is whom its `X-Forwarded-For` names last;
   * none if absent
   */
  readonly trustedProxies?: readonly string[];
  readonly names: HttpSettingNames;
  /** whose scripts and styles browsers may use */
  readonly page: InlinePage;
  readonly routes: readonly HttpRoute[];
}

/** Of the body of a request. */
const MAX_BODY_BYTES = 8_192;
/** How much of a foreign header or path is repeated in an answer. */
const MAX_ECHO = 100;

/**
 * The only place that uses Fastify: routes, allowed hosts, security headers and error answers of one listening server.
 */
export class HttpServer {
  readonly #app: FastifyInstance;
  /** `http://HOST:PORT` */
  readonly url: string;

  private constructor(app: FastifyInstance, url: string) {
    this.#app = app;
    this.url = url;
  }

  /**
   * @throws GoshawkError GOSHAWK_PORT_IN_USE; GOSHAWK_PARAMETER_INVALID for an address where this process may
   * not listen, an allowed host that is not one, or a trusted proxy that is not an address
   */
  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const { host, port, allowedHosts, names, routes } = options;
    const hosts = new AllowedHosts({
      bound: host,
      extra: allowedHosts,
      machine: hostname(),
      option: names.allowedHosts,
    });
    const headers = securityHeaders(options.page);
    const app = makeApp(options, {
      logger: false,
      bodyLimit: MAX_BODY_BYTES,
      forceCloseConnections: true,
      // A path that cannot be decoded never reaches a hook.
      frameworkErrors: (error, request, reply) => {
        admit(request, reply, hosts, headers);
        if (!reply.sent) answerError(error, reply);
      },
    });
    // JSON alone: a form of another site can send text without asking, and so could anything that looks like it
    app.removeContentTypeParser('text/plain');
    app.addHook('onRequest', (request, reply, done) => {
      if (admit(request, reply, hosts, headers)) done();
    });
    app.setErrorHandler((error, _request, reply) => {
      answerError(error as Error, reply);
    });
    app.setNotFoundHandler((request, reply) => {
      const path = request.url.slice(0, MAX_ECHO);
      const paths = [...new Set(routes.map((route) => route.path))].join(', ');
      const error = new GoshawkError('GOSHAWK_ROUTE_UNKNOWN', { path, paths });
      return reply.code(404).send({ error: describeError(error) });
    });
    for (const route of routes) register(app, route);
    try {
      return new HttpServer(app, await app.listen({ host, port }));
    } catch (error) {
      await app.close();
      throw cannotListen(options, error as NodeJS.ErrnoException);
    }
  }

  /** Closes open connections too. */
  close(): Promise<void> {
    return this.#app.close();
  }
}

/** Fastify, which checks the addresses of proxies when it is made. */
function makeApp(
  { trustedProxies = [], names }: HttpServerOptions,
  how: FastifyServerOptions,
): FastifyInstance {
  if (trustedProxies.length === 0) return fastify(how);
  try {
    const all = trustedProxies.find((network) => EVERYBODY.test(network));
    if (all !== undefined) throw new TypeError(`everybody is in ${all}`);
    return fastify({ ...how, trustProxy: [...trustedProxies] });
  } catch (cause) {
    const details = {
      name: names.trustedProxies ?? '',
      value: trustedProxies.join(', '),
      reason: `each must be an address or a network, such as 10.0.0.0/8: ${(cause as Error).message}`,
    };
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', details, { cause });
  }
}

/** A network of all addresses, by its length or by its mask: whoever sends the header would be believed. */
const EVERYBODY = /\/(0+|0\.0\.0\.0)$/;

function cannotListen({ host, port, names }: HttpServerOptions, cause: NodeJS.ErrnoException): GoshawkError {
  if (cause.code === 'EADDRINUSE')
    return new GoshawkError('GOSHAWK_PORT_IN_USE', { port, host, option: names.port }, { cause });
  const value = `${host}:${String(port)}`;
  const details = { name: names.address, value, reason: cause.message };
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', details, { cause });
}

/**
 * Runs first: tells browsers what they may do with the answer, and refuses foreign hosts.
 * @returns whether the request is allowed
 */
function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  hosts: AllowedHosts,
  headers: Readonly<Record<string, string>>,
): boolean {
  // On the raw response, so that streams, which bypass the framework, have them as well.
  for (const [name, value] of Object.entries(headers)) reply.raw.setHeader(name, value);
  const { host } = request.headers;
  if (hosts.admits(host, request.socket.localAddress)) return true;
  const refusal = new GoshawkError('GOSHAWK_HOST_REFUSED', { host: (host ?? '').slice(0, MAX_ECHO) });
  void reply.code(403).send({ error: describeError(refusal) });
  return false;
}

/**
 * Requests that the framework refuses keep their status; anything else that a route throws is a bug, but does not end
 * the process.
 */
function answerError(error: Error & { readonly statusCode?: number }, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  const isRefusal = status >= 400 && status < 500;
  const code = isRefusal ? 'GOSHAWK_REQUEST_INVALID' : 'GOSHAWK_INTERNAL';
  const told = error instanceof GoshawkError ? error : new GoshawkError(code, { reason: error.message });
  void reply.code(isRefusal ? status : 500).send({ error: describeError(told) });
}

function register(app: FastifyInstance, { method = 'GET', path, answer }: HttpRoute): void {
  app.route({
    method,
    url: path,
    handler: async (request, reply) => {
      const given = await answer(asRequest(request));
      // there is nothing to stream to somebody who asks for the head alone
      if ('stream' in given && request.method === 'HEAD') return reply.send();
      if ('stream' in given) {
        reply.hijack();
        given.stream(reply.raw);
        return reply;
      }
      if (given.type !== undefined) reply.type(given.type);
      if (given.cache !== undefined) reply.header('cache-control', given.cache);
      if (given.headers !== undefined) reply.headers(given.headers);
      return reply.code(given.status ?? 200).send(given.body);
    },
  });
}

function asRequest({ method, params, query, headers, body, ip, socket }: FastifyRequest): HttpRequest {
  const address = withoutPort(ip);
  return {
    params: params as Record<string, string>,
    query: query as Record<string, unknown>,
    // HEAD is answered like GET
    method: HTTP_METHODS.find((one) => one === method) ?? 'GET',
    isHead: method === 'HEAD',
    headers,
    body,
    // a proxy may hand on what is not an address
    address: isIP(address) === 0 ? (socket.remoteAddress ?? '') : address,
  };
}

/** Some proxies name the port of the client too: `192.0.2.7:443`, `[2001:db8::7]:443`. */
function withoutPort(address: string): string {
  const [, v4, v6] = /^(?:([\d.]+):\d+|\[([^\]]+)\](?::\d+)?)$/.exec(address) ?? [];
  return v4 ?? v6 ?? address;
}
