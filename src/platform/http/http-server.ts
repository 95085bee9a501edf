import { hostname } from 'node:os';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import { AllowedHosts } from './allowed-hosts.ts';
import type { InlinePage } from './inline-page.ts';
import type { HttpRoute } from './route.ts';
import { securityHeaders } from './security-headers.ts';

/** The operator's names for the settings of a server, for errors. */
export interface HttpSettingNames {
  readonly address: string;
  readonly port: string;
  readonly allowedHosts: string;
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
  readonly names: HttpSettingNames;
  /** whose scripts and styles browsers may use */
  readonly page: InlinePage;
  readonly routes: readonly HttpRoute[];
}

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
   * not listen, or an allowed host that is not one
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
    const app = fastify({
      logger: false,
      bodyLimit: 1024,
      forceCloseConnections: true,
      // A path that cannot be decoded never reaches a hook.
      frameworkErrors: (error, request, reply) => {
        admit(request, reply, hosts, headers);
        if (!reply.sent) answerError(error, reply);
      },
    });
    app.addHook('onRequest', (request, reply, done) => {
      if (admit(request, reply, hosts, headers)) done();
    });
    app.setErrorHandler((error, _request, reply) => {
      answerError(error as Error, reply);
    });
    app.setNotFoundHandler((request, reply) => {
      const path = request.url.slice(0, MAX_ECHO);
      const paths = routes.map((route) => route.path).join(', ');
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
  const isCoded = isRefusal || error instanceof GoshawkError;
  const told = isCoded ? error : new GoshawkError('GOSHAWK_INTERNAL', { reason: error.message });
  void reply.code(isRefusal ? status : 500).send({ error: describeError(told) });
}

function register(app: FastifyInstance, { path, answer }: HttpRoute): void {
  app.get<{ Params: Record<string, string>; Querystring: Record<string, unknown> }>(
    path,
    async ({ params, query }, reply) => {
      const given = await answer({ params, query });
      if ('stream' in given) {
        reply.hijack();
        given.stream(reply.raw);
        return reply;
      }
      if (given.type !== undefined) reply.type(given.type);
      if (given.cache !== undefined) reply.header('cache-control', given.cache);
      return reply.code(given.status ?? 200).send(given.body);
    },
  );
}
